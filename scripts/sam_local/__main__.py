"""`make local`: the stack on this machine until interrupted."""

import os
import signal

from pointsman.auth.bearer import Document, issue, write_document

from scripts.sam_local import stack
from scripts.sam_local.engine import engine


def main() -> None:
    """Start everything, say how to call it, and wait."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with engine() as running, stack.stand_ins(running.address) as endpoint:
        print("sam build ...", flush=True)
        stack.build(running)
        token, entry = issue("local")
        stack.create_table(endpoint)
        stack.create_secret(endpoint, write_document(Document((entry,))))
        with stack.gateway(running, endpoint, port=int(os.environ.get("PORT", "8080"))) as url:
            print(f"Pointsman's functions answer at {url}; the page is at {url}/index.html")
            print(f"token: {token}")
            print(f"  curl -s {url}/api/health -H 'authorization: Bearer {token}'", flush=True)
            try:
                signal.pause()
            except KeyboardInterrupt:
                print("stopping ...", flush=True)


if __name__ == "__main__":
    main()
