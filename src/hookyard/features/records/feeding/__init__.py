"""The feed on its way to readers: kept waiting, streamed, acknowledged, sent on."""
