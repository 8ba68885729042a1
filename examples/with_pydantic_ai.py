"""pydantic-ai through examples/proxy.py."""

import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

model = OpenAIChatModel("auto", provider=OpenAIProvider(base_url=os.environ["PROXY"] + "/v1"))
print(Agent(model).run_sync("What is 1+1?").output)
