"""The short names of teachers: tables of data, kept in step with the installed litellm by a test."""

from collections.abc import Mapping

OPENAI = "openai/gpt-5.6"
SMALL_OPENAI = "openai/gpt-5-mini"
CLAUDE = "anthropic/claude-sonnet-5-5"
SMALL_CLAUDE = "anthropic/claude-haiku-5-5"
GEMINI = "gemini/gemini-pro-latest"
SMALL_GEMINI = "gemini/gemini-flash-latest"
DEEPSEEK = "deepseek/deepseek-v4-flash"

ALIASES: Mapping[str, str] = {
    "gpt": OPENAI,
    "gpt-4.1": "openai/gpt-4.1",
    "gpt-4.1-mini": "openai/gpt-4.1-mini",
    "gpt-4o": "openai/gpt-4o",
    "gpt-4o-mini": "openai/gpt-4o-mini",
    "gpt-5": "openai/gpt-5",
    "gpt-5-mini": SMALL_OPENAI,
    "gpt-5-nano": "openai/gpt-5-nano",
    "gpt-6": "openai/gpt-6-sol",
    "gpt-oss": "groq/openai/gpt-oss-120b",
    "o3": "openai/o3",
    "claude": CLAUDE,
    "claude-haiku": SMALL_CLAUDE,
    "claude-opus": "anthropic/claude-opus-5-5",
    "claude-sonnet": CLAUDE,
    "gemini": GEMINI,
    "gemini-pro": GEMINI,
    "gemini-flash": SMALL_GEMINI,
    "gemini-flash-lite": "gemini/gemini-flash-lite-latest",
    "gemma": "gemini/gemma-4-31b-it",
    "mistral": "mistral/mistral-large-latest",
    "mistral-large": "mistral/mistral-large-latest",
    "mistral-medium": "mistral/mistral-medium-latest",
    "mistral-small": "mistral/mistral-small-latest",
    "deepseek": "deepseek/deepseek-v4-pro",
    "deepseek-flash": DEEPSEEK,
    "llama": "deepinfra/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "llama-3": "deepinfra/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "llama-4": "deepinfra/meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
    "qwen": "together_ai/Qwen/Qwen3.7-Plus",
    "kimi": "together_ai/moonshotai/Kimi-K3",
    "grok": "xai/grok-4.7",
    "command": "cohere_chat/command-a-plus-05-2026",
}
"""What a short name runs: the family's present model, or the model of that name."""

STAND_INS: Mapping[str, str] = {"gpt-4": "openai/gpt-4.1", "claude-2": CLAUDE, "bard": GEMINI}
"""The teachers of the MAGDi paper, all retired: what sits in their place, said in a note."""

RETIRED: Mapping[str, str] = {
    "text-davinci-003": OPENAI,
    "code-davinci-002": OPENAI,
    "gpt-3": OPENAI,
    "gpt-3.5": SMALL_OPENAI,
    "gpt-3.5-turbo": SMALL_OPENAI,
    "gpt-35-turbo": SMALL_OPENAI,
    "gpt-4": OPENAI,
    "gpt-4-32k": OPENAI,
    "gpt-4-0314": OPENAI,
    "gpt-4-turbo": OPENAI,
    "gpt-4.5-preview": OPENAI,
    "o1": OPENAI,
    "o1-mini": SMALL_OPENAI,
    "o3-mini": SMALL_OPENAI,
    "o4-mini": SMALL_OPENAI,
    "claude-instant": SMALL_CLAUDE,
    "claude-instant-1": SMALL_CLAUDE,
    "claude-instant-1.2": SMALL_CLAUDE,
    "claude-1": CLAUDE,
    "claude-2": CLAUDE,
    "claude-2.0": CLAUDE,
    "claude-2.1": CLAUDE,
    "claude-3-opus": "anthropic/claude-opus-5-5",
    "claude-3-opus-20240229": "anthropic/claude-opus-5-5",
    "claude-3-sonnet": CLAUDE,
    "claude-3-sonnet-20240229": CLAUDE,
    "claude-3-haiku": SMALL_CLAUDE,
    "claude-3-haiku-20240307": SMALL_CLAUDE,
    "claude-3-5-sonnet": CLAUDE,
    "claude-3-5-sonnet-20240620": CLAUDE,
    "claude-3-5-sonnet-20241022": CLAUDE,
    "claude-3-5-haiku-20241022": SMALL_CLAUDE,
    "claude-3-7-sonnet-20250219": CLAUDE,
    "gemini-1.0-pro": GEMINI,
    "gemini-1.5-pro": GEMINI,
    "gemini-1.5-flash": SMALL_GEMINI,
    "gemini-2.0-flash": SMALL_GEMINI,
    "chat-bison": GEMINI,
    "chat-bison-001": GEMINI,
    "text-bison-001": GEMINI,
    "palm": GEMINI,
    "palm-2": GEMINI,
    "deepseek-chat": DEEPSEEK,
    "deepseek-reasoner": "deepseek/deepseek-v4-pro",
}
"""Models their providers no longer serve, without provider prefix: the present one to name instead."""

SUCCESSORS: Mapping[str, str] = {
    "openai": OPENAI,
    "anthropic": CLAUDE,
    "gemini": GEMINI,
    "deepseek": DEEPSEEK,
    "mistral": "mistral/mistral-large-latest",
    "xai": "xai/grok-4.7",
}
"""Per provider, what to name instead of a model whose last day the price map says is over."""
