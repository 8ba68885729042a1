// A document without a browser, for what draws; from the packages that `make page-tools` installs under build/page.

import { createRequire } from "node:module";

const { Window } = createRequire(new URL("../../build/page/package.json", import.meta.url))("happy-dom");
const window = new Window();
globalThis.document = window.document;
globalThis.Event = window.Event;

export { window };
