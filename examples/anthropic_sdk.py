"""The Anthropic SDK through examples/proxy.py: another base URL and the model `auto`, and nothing else."""

import os

from anthropic import Anthropic

client = Anthropic(base_url=os.environ["PROXY"])
question = [{"role": "user", "content": "What is 1+1?"}]
answer = client.messages.create(model="auto", max_tokens=1000, messages=question)
print(answer.model, answer.content[0].text)
with client.messages.stream(model="auto", max_tokens=1000, messages=question) as stream:
    print(stream.get_final_text())
