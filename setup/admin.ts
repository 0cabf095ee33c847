/** The administrator's sign-in, and the change of its password. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";
import { type OpenWebui, unexpected } from "./open-webui.ts";
import type { State } from "./state.ts";

interface Wanted {
  email: string;
  password: string;
}

const SIGN_IN = "/api/v1/auths/signin";

/**
 * Gives what further calls are made with: a session or an API key. Signs in with the wanted password. When another one was applied last, the password is changed; when people
 * changed it in the chat since, it is left to them, and the API key is used. Throws UserError when nothing fits.
 */
export async function openAdmin(
  webui: OpenWebui,
  state: State,
  wanted: Wanted,
  changed: string[],
): Promise<string> {
  const applied = await state.read("admin-password");
  const access =
    (await signIn(webui, wanted)) ??
    (applied !== undefined && applied !== wanted.password
      ? await rotate(webui, { ...wanted, old: applied }, changed)
      : undefined);
  if (access !== undefined) {
    await state.write("admin-password", wanted.password);
    return access;
  }
  const key = await state.read("api-key");
  if (key === undefined || !(await isAdmin(webui, key))) {
    throw new UserError(
      `Nobody signs in to Open WebUI as ${wanted.email} with the hub's administrator password, nor with the one before it. ` +
        "If the e-mail address was changed, change it in the chat too (Settings, Account); if the password was changed in the chat, set the hub's password there again.",
    );
  }
  if (applied !== undefined && applied !== wanted.password) {
    await setPassword(webui, key, wanted);
    changed.push("admin-password");
    const session = await signIn(webui, wanted);
    if (session === undefined)
      throw new UserError("Open WebUI took the new administrator password, then refused it.");
    await state.write("admin-password", wanted.password);
    return session;
  }
  return key;
}

/** Whether a session or key is that of an administrator. */
export async function isAdmin(webui: OpenWebui, credential: string): Promise<boolean> {
  const { status, json } = await webui.ask("/api/v1/auths/admin/config", { credential });
  return status === 200 && json !== undefined;
}

async function rotate(
  webui: OpenWebui,
  { email, old, password }: Wanted & { old: string },
  changed: string[],
): Promise<string | undefined> {
  const before = await signIn(webui, { email, password: old });
  if (before === undefined) return undefined;
  const path = "/api/v1/auths/update/password";
  const call = {
    method: "POST" as const,
    credential: before,
    body: { password: old, new_password: password },
  };
  const answer = await webui.ask(path, call);
  if (answer.status !== 200 || answer.json !== true) throw unexpected(path, call, answer);
  changed.push("admin-password");
  // The old session ended with the old password.
  return signIn(webui, { email, password });
}

/** Undefined when e-mail and password do not fit. */
async function signIn(webui: OpenWebui, { email, password }: Wanted): Promise<string | undefined> {
  const call = { method: "POST" as const, body: { email, password } };
  for (let attempt = 1; ; attempt++) {
    const answer = await webui.ask(SIGN_IN, call);
    if (answer.status === 429 && attempt < 15) {
      await sleep(15_000);
      continue;
    }
    if (answer.status === 400) return undefined;
    const user = answer.json as { token?: string; role?: string } | undefined;
    if (answer.status !== 200 || !user?.token) throw unexpected(SIGN_IN, call, answer);
    if (user.role !== "admin") {
      throw new UserError(
        `${email} is a ${user.role} of Open WebUI, not an administrator. Name the administrator's e-mail address in adminEmail, or make ${email} one in the chat.`,
      );
    }
    return user.token;
  }
}

interface User {
  id: string;
  name: string;
  email: string;
  role: string;
  profile_image_url: string;
}

/** An administrator's key may set a user's password without knowing the old one. */
async function setPassword(
  webui: OpenWebui,
  credential: string,
  { email, password }: Wanted,
): Promise<void> {
  const { users } = await webui.get<{ users: User[] }>(
    `/api/v1/users/?query=${encodeURIComponent(email)}`,
    { credential },
  );
  const user = users.find((one) => one.email.toLowerCase() === email.toLowerCase());
  if (!user) {
    throw new UserError(
      `Open WebUI has no user ${email}: the password cannot be changed. Check adminEmail.`,
    );
  }
  const { id, ...rest } = user;
  await webui.get(`/api/v1/users/${id}/update`, {
    method: "POST",
    credential,
    body: {
      role: rest.role,
      name: rest.name,
      email: rest.email,
      profile_image_url: rest.profile_image_url,
      password,
    },
  });
}
