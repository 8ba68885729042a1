"""The field's dialects: bodies of requests in, answers and errors out. Pure functions; import the modules by name.

    reading         which dialect a body speaks, and the one `Request` that every one of them becomes
    openai_chat     OpenAI Chat Completions
    openai_responses  OpenAI Responses
    anthropic       Anthropic Messages
    switchyard      the envelope and the answer of `POST /v1/decision`
    plano           the answer of `POST /routing/v1/…`
    fields          our own fields, in a body or in headers
    naming          what gateways call a model, in both directions
    errors          our errors in the shapes of OpenAI and Anthropic

What a body holds beside what is read here is its provider's business and is let through.
"""
