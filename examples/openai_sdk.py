"""The OpenAI SDK through examples/proxy.py: another base URL and the model `auto`, and nothing else."""

import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["PROXY"] + "/v1")
question = [{"role": "user", "content": "What is 1+1?"}]
answer = client.chat.completions.create(model="auto", messages=question)
print(answer.model, answer.choices[0].message.content)
for part in client.chat.completions.create(model="auto", messages=question, stream=True):
    print(part.choices[0].delta.content if part.choices and part.choices[0].delta.content else "", end="")
print()
print(client.responses.create(model="auto", input="What is 1+1?").output_text)
