/** Why an order would fail now, found without one. */
export interface Obstacle {
  /** Which of the looks found it. */
  at: "server" | "dns" | "caa" | "http";
  /** What is wrong and where. */
  what: string;
  /** What a person does about it. */
  fix: string;
}
