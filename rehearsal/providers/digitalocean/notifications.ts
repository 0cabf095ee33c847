import { z } from "zod";

/** Whom to tell, in Pulumi's words; the API says `email` and `slack`. */
export const notifications = z.strictObject({
  emails: z.array(z.string()).optional(),
  slacks: z
    .array(z.strictObject({ channel: z.string().min(1), url: z.string().min(1) }))
    .optional(),
});
type Notifications = z.infer<typeof notifications>;

export interface ApiNotifications {
  email?: string[] | null;
  slack?: { channel: string; url: string }[] | null;
}

export function toApi({ emails, slacks }: Notifications): ApiNotifications {
  return { email: emails ?? [], slack: slacks ?? [] };
}

export function fromApi({ email, slack }: ApiNotifications): Notifications {
  return {
    ...(email && email.length > 0 ? { emails: email } : {}),
    ...(slack && slack.length > 0 ? { slacks: slack } : {}),
  };
}
