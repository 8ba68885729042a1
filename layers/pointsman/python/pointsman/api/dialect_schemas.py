"""What goes over the wire in dialects that are not ours: described for readers; the dialects check it themselves."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pointsman.api.request_schemas import Dial


class _Foreign(Dial):
    """A provider's body with our fields beside; what is not listed is the provider's business."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str | None, Field(description="A config, as `auto` or `pointsman/auto`; else the provider's.")] = (
        None
    )
    tools: list[dict[str, Any]] | None = None


class ChatRequest(_Foreign):
    """A body of OpenAI Chat Completions."""

    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]
    response_format: dict[str, Any] | None = None
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None


class ResponsesRequest(_Foreign):
    """A body of OpenAI Responses."""

    input: str | Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]
    instructions: str | None = None


class MessagesRequest(_Foreign):
    """A body of Anthropic Messages."""

    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]
    system: str | list[dict[str, Any]] | None = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None


class DecisionRequest(BaseModel):
    """The envelope of NVIDIA Switchyard's Decision API; the body within names a config in `model`."""

    model_config = ConfigDict(extra="allow")

    input_format: Literal["openai_chat", "openai_responses", "anthropic_messages"]
    request: dict[str, Any]


class SwitchyardTargetOut(BaseModel):
    """A target of a gateway, and how to call it."""

    target: str
    model: str
    llm_client: Annotated[dict[str, str], Field(description="`format`; never a `base_url`")]
    extra_body: Annotated[dict[str, Any], Field(description="Asks for the effort")]


class SwitchyardOut(BaseModel):
    """The answer of the Decision API."""

    selected: SwitchyardTargetOut
    fallbacks: list[SwitchyardTargetOut]


class PlanoOut(BaseModel):
    """The answer of Plano's routing service."""

    models: Annotated[list[str], Field(description="In the order they are to be tried")]
    route: str
    trace_id: str
    session_id: str | None
    pinned: bool
    switched: bool
    calls: Annotated[list[dict[str, Any]], Field(description="The same with what asks for their effort")]


class ProviderErrorOut(BaseModel):
    """An error in the shape of OpenAI, or of Anthropic with a `type` beside."""

    error: dict[str, Any]
    type: str | None = None
