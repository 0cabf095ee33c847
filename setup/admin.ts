/** The administrator's way in, and the change of its password. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";
import { type OpenWebui, unexpected } from "./open-webui.ts";
import type { State } from "./state.ts";

interface Wanted {
  email: string;
  password: string;
}

interface User {
  id: string;
  name: string;
  email: string;
  role: string;
  profile_image_url: string;
}

/** Open WebUI counts sign-ins for three minutes, refused ones too: asking often would never end. */
const SIGN_IN_PAUSE_MS = 61_000;
const SIGN_IN_ATTEMPTS = 5;

/**
 * Gives the credential that further calls are made with: the hub's API key, or a session where there is none yet.
 * Sets the wanted password when it is not the one applied last. A password that people changed in the chat is left
 * to them until then. Throws UserError when there is no way in.
 */
export async function openAdmin(
  webui: OpenWebui,
  state: State,
  wanted: Wanted,
  changed: string[],
): Promise<string> {
  const applied = await state.read("admin-password");
  const key = await state.read("api-key");
  if (key !== undefined && (await isAdmin(webui, key))) {
    const user = await findAdmin(webui, key, wanted.email);
    if (applied !== wanted.password) {
      await setPassword(webui, key, user, wanted.password);
      changed.push("admin password");
      await state.write("admin-password", wanted.password);
    }
    return key;
  }
  const session =
    (await signIn(webui, wanted)) ??
    (applied === undefined || applied === wanted.password
      ? undefined
      : await rotate(webui, wanted, applied, changed));
  if (session === undefined) {
    throw new UserError(
      `Nobody signs in to Open WebUI as ${wanted.email} with the hub's administrator password${applied === wanted.password ? "" : ", nor with the one before it"}. ` +
        "If adminEmail was changed, change the address in the chat too (Settings, Account); if the password was changed in the chat, set it there to the hub's.",
    );
  }
  await state.write("admin-password", wanted.password);
  return session;
}

/** Whether a session or key is that of an administrator. */
export async function isAdmin(webui: OpenWebui, credential: string): Promise<boolean> {
  const { status, json } = await webui.ask("/api/v1/auths/admin/config", { credential });
  return status === 200 && json !== undefined;
}

async function findAdmin(webui: OpenWebui, credential: string, email: string): Promise<User> {
  const path = `/api/v1/users/?query=${encodeURIComponent(email)}`;
  const { users } = await webui.get<{ users: User[] }>(path, { credential });
  const user = users.find((one) => one.email.toLowerCase() === email.toLowerCase());
  if (user?.role === "admin") return user;
  throw new UserError(
    user
      ? `${email} is no administrator of Open WebUI (its role is ${user.role}). Make it one in the chat, or name the administrator in adminEmail.`
      : `Open WebUI has no user ${email}. If adminEmail was changed, change the administrator's address in the chat too (Settings, Account).`,
  );
}

/** An administrator's key sets a password without the old one; all sessions of the user end. */
async function setPassword(
  webui: OpenWebui,
  credential: string,
  user: User,
  password: string,
): Promise<void> {
  const { id, role, name, email, profile_image_url } = user;
  const body = { role, name, email, profile_image_url, password };
  await webui.get(`/api/v1/users/${id}/update`, { method: "POST", credential, body });
}

async function rotate(
  webui: OpenWebui,
  wanted: Wanted,
  old: string,
  changed: string[],
): Promise<string | undefined> {
  const credential = await signIn(webui, { email: wanted.email, password: old });
  if (credential === undefined) return undefined;
  const body = { password: old, new_password: wanted.password };
  await webui.get("/api/v1/auths/update/password", { method: "POST", credential, body });
  changed.push("admin password");
  // The session ended with the old password.
  return signIn(webui, wanted);
}

/** Undefined when e-mail and password do not fit. */
async function signIn(webui: OpenWebui, body: Wanted): Promise<string | undefined> {
  const path = "/api/v1/auths/signin";
  const call = { method: "POST" as const, body };
  for (let attempt = 1; ; attempt++) {
    const answer = await webui.ask(path, call);
    if (answer.status === 429 && attempt < SIGN_IN_ATTEMPTS) {
      await sleep(SIGN_IN_PAUSE_MS);
      continue;
    }
    if (answer.status === 400) return undefined;
    const user = answer.json as { token?: string; role?: string } | undefined;
    if (answer.status !== 200 || !user) throw unexpected(path, call, answer);
    if (!user.token) {
      throw new UserError(
        `Open WebUI asks ${body.email} for a second factor, which the hub does not have. Switch it off for this account, apply again, and switch it on: afterwards the hub uses its API key.`,
      );
    }
    if (user.role !== "admin") {
      throw new UserError(
        `${body.email} is no administrator of Open WebUI (its role is ${user.role}). Make it one in the chat, or name the administrator in adminEmail.`,
      );
    }
    return user.token;
  }
}
