/** What a release tells the recovery program of a hub with everything embedded. */
export const settings = {
  enabled: true,
  url: "https://aihub.example.com",
  everyMinutes: 15,
  nightlyAt: "02:00",
  keep: { hourly: 1, daily: 1, weekly: 1, monthly: 1 },
  database: "embedded",
  cache: "embedded",
  postgresImage: "postgres",
  adminEmail: "admin@example.com",
};
