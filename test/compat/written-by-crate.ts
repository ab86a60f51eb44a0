// Records as version 0.4.1 of the `agent-relay` crate wrote them, byte for byte.

/** When they were written (Unix seconds). */
export const WRITTEN_AT = 1795246273;

export const AGENT = `{
  "session_id": "gemini-1",
  "agent_id": "gemini",
  "pid": 7805,
  "registered_at": 1795246273,
  "last_heartbeat": 1795246273,
  "metadata": {}
}`;

export const MESSAGES: Readonly<Record<string, string>> = {
  "msg-80671b24": String.raw`{
  "id": "msg-80671b24",
  "from_session": "gemini-1",
  "from_agent": "gemini",
  "to_session": null,
  "content": "To everyone: \"build\" is green ✓",
  "timestamp": 1795246273,
  "read_by": [
    "gemini-1",
    "early"
  ]
}`,
  "msg-11d74fe4": String.raw`{
  "id": "msg-11d74fe4",
  "from_session": "gemini-1",
  "from_agent": "gemini",
  "to_session": "claude-1",
  "content": "Two lines,\nand a tab\there",
  "timestamp": 1795246273,
  "read_by": [
    "gemini-1"
  ]
}`,
  "msg-57c8f722": `{
  "id": "msg-57c8f722",
  "from_session": "gemini-1",
  "from_agent": "gemini",
  "to_session": "codex-1",
  "content": "Not for claude",
  "timestamp": 1795246273,
  "read_by": [
    "gemini-1"
  ]
}`,
  "msg-fd40f49c": `{
  "id": "msg-fd40f49c",
  "from_session": "cli",
  "from_agent": "human",
  "to_session": null,
  "content": "",
  "timestamp": 1795246273,
  "read_by": [
    "cli",
    "early"
  ]
}`,
  "msg-df2cabbc": `{
  "id": "msg-df2cabbc",
  "from_session": "gemini-1",
  "from_agent": "gemini",
  "to_session": null,
  "content": "Read already",
  "timestamp": 1795246273,
  "read_by": [
    "gemini-1",
    "claude-1"
  ]
}`,
  "msg-1790ca45": `{
  "id": "msg-1790ca45",
  "from_session": "claude-1",
  "from_agent": "claude",
  "to_session": null,
  "content": "From claude itself",
  "timestamp": 1795246273,
  "read_by": [
    "claude-1"
  ]
}`,
};
