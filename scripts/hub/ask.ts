/** Asks the person at the keyboard. */
import { createInterface } from "node:readline/promises";

/** @returns the answer without blanks around it; the question goes to standard error */
export async function ask(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question(question)).trim();
  } finally {
    prompt.close();
  }
}
