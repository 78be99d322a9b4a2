/** docs/errors.md: one section per code, so that a message can be looked up. */
import { ERRORS } from './errors.js';

export function errorsDoc(): string {
  const sections = Object.entries(ERRORS).map(
    ([code, { sentence, remedy }]) =>
      `## ${code}\n\n${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.\n\nWhat to do: ${remedy}\n`,
  );
  return `# Errors\n\nGenerated from agent/errors.ts.\n\n${sections.join('\n')}`;
}
