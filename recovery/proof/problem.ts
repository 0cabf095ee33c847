/** Something that is wrong with a backup, for a person: what, where, how to fix it. */
export interface Problem {
  what: string;
  where: string;
  fix: string;
}
