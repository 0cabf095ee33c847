/** Settings that a rehearsal starts with; each can be changed by `npm run hub -- config set`. */
export const rehearsalConfig: Readonly<Record<string, string>> = {
  domain: "localhost",
  adminEmail: "admin@example.com",
  alertEmail: "admin@example.com",
  "adminCidrs[0]": "127.0.0.0/8",
};
