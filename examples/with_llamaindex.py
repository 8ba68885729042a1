"""LlamaIndex through examples/proxy.py."""

import os

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(model="auto", api_base=os.environ["PROXY"] + "/v1", api_key="x", is_chat_model=True)
print(model.chat([ChatMessage(role="user", content="What is 1+1?")]).message.content)
