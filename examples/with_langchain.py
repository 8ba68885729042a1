"""LangChain through examples/proxy.py. Without a proxy: ask the client and name its answer as the model."""

import os

from langchain_openai import ChatOpenAI
from pointsman_client import Client

QUESTION = "What is 1+1?"
print(ChatOpenAI(model="auto", base_url=os.environ["PROXY"] + "/v1").invoke(QUESTION).content)

with Client(default="openai/gpt-5.6-luna") as pointsman:
    answer = pointsman.route(prompt=QUESTION)
    effort = answer.request.get("reasoning_effort")
    model = ChatOpenAI(model=answer.model, reasoning_effort=effort, base_url=os.environ["UPSTREAM"] + "/v1")
    said = model.invoke(QUESTION)
    pointsman.report(answer, usage=said.usage_metadata)
    print(answer.model, said.content)
