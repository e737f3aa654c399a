import { SubmissionError } from './submission-error.ts';

/**
 * The message of the error that a call of the submission was rejected with, or undefined when it was not.
 *
 * @throws whatever is not an error that the submission has thrown on purpose
 */
export async function refusal(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const thrown =
      error instanceof SubmissionError && error.problem.kind === 'threw'
        ? error.problem
        : undefined;
    if (!thrown || thrown.message.startsWith('Not implemented yet')) throw error;
    return thrown.message;
  }
}
