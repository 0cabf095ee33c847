/** What the chat's page sends to make a chat, or to change what is in it. */

/** A chat with no message, or with one that a person has written. */
export function chatForm(title: string, message?: { id: string; content: string }) {
  const messages = message
    ? [
        {
          ...message,
          ...{ parentId: null, childrenIds: [], role: "user", models: [] },
          timestamp: Math.floor(Date.now() / 1000),
        },
      ]
    : [];
  return {
    chat: {
      ...{ title, models: [], messages },
      history: {
        messages: Object.fromEntries(messages.map((one) => [one.id, one])),
        currentId: message?.id ?? null,
      },
    },
  };
}
