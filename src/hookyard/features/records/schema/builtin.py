"""The built-in entities: what a platform of agents keeps."""

from hookyard.features.records.schema.declare import read_entities

DECLARED = b"""\
entities:
  users:
    description: People and programs that talk with agents
    id: {field: userId, make: ulid, client: true}
    fields:
      displayName: {type: string, max: 200}
      email: {type: string, max: 320}
      kind: {type: enum, values: [person, agent, service], default: person}
      meta: json
    relations:
      conversations: {many: conversations, by: userId}
      memories: {many: memories, by: userId}
    indexes:
      - [email]
    soft_delete: true

  conversations:
    description: Threads of messages
    id: {field: conversationId, make: ulid, client: true}
    fields:
      title: {type: string, max: 500}
      userId: id
      agentId: id
      status: {type: enum, values: [open, closed], default: open}
      meta: json
    relations:
      user: {one: users, by: userId}
      agent: {one: agents, by: agentId}
      messages: {many: messages, by: conversationId}
      artifacts: {many: artifacts, by: conversationId}
    indexes:
      - [userId, createdAt]
      - [agentId, createdAt]
    soft_delete: true

  messages:
    description: What was said in a conversation, by whom
    id: {field: messageId, make: ulid, client: true}
    fields:
      conversationId: {type: id, required: true}
      userId: id
      role: {type: enum, values: [user, assistant, system, tool], default: user}
      content: {type: text, max: 200000}
      meta: json
    relations:
      conversation: {one: conversations, by: conversationId}
      user: {one: users, by: userId}
    indexes:
      - [conversationId, createdAt]
      - [userId, createdAt]

  agents:
    description: Programs that act, and how they are set up
    id: {field: agentId, make: ulid, client: true}
    fields:
      name: {type: string, max: 200, required: true}
      description: {type: text, max: 10000}
      model: {type: string, max: 200}
      instructions: {type: text, max: 200000}
      status: {type: enum, values: [active, paused, retired], default: active}
      config: json
    relations:
      conversations: {many: conversations, by: agentId}
      memories: {many: memories, by: agentId}
    indexes:
      - [name]
    soft_delete: true

  agent-shared-states:
    description: What an agent remembers of a user in a conversation
    id: {fields: [agentName, userId, conversationId]}
    fields:
      agentName: {type: id, required: true}
      userId: {type: id, required: true}
      conversationId: {type: id, required: true}
      state: json
    relations:
      user: {one: users, by: userId}
      conversation: {one: conversations, by: conversationId}
    indexes:
      - [userId]
      - [conversationId]

  artifacts:
    description: What agents made, and where it lies
    id: {field: artifactId, make: ulid, client: true}
    fields:
      conversationId: id
      agentId: id
      name: {type: string, max: 500, required: true}
      mediaType: {type: string, max: 200}
      size: int
      sha256: {type: string, max: 64}
      uri: {type: string, max: 2000}
      content: {type: text, max: 500000}
      meta: json
    relations:
      conversation: {one: conversations, by: conversationId}
      agent: {one: agents, by: agentId}
    indexes:
      - [conversationId, createdAt]
      - [sha256]

  memories:
    description: What agents keep, found again by meaning
    id: {field: memoryId, make: ulid, client: true}
    fields:
      agentId: id
      userId: id
      kind: {type: string, max: 100}
      content: {type: text, max: 100000, required: true}
      importance: float
      embedding: {type: vector, dimension: 1536, metric: cosine}
      expiresAt: timestamp
      meta: json
    relations:
      agent: {one: agents, by: agentId}
      user: {one: users, by: userId}
    indexes:
      - [agentId, createdAt]
      - [userId, createdAt]
"""

BUILT_IN = read_entities(DECLARED)
