// What a class run and its workers say to each other: lines of JSON, which also get into a container and out of it.
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ChannelOptions } from 'birpc';
import type { ExerciseResult, RequirementResult } from '../result.ts';

/** One student's work, for one worker. */
export interface GradingTask {
  /** The file for each exercise, by the exercise's name. */
  readonly files: Readonly<Record<string, string>>;
  readonly seed: number;
  /** The id of the one requirement that is graded; without it, all are. */
  readonly only?: string | undefined;
}

export interface FileResult extends Pick<ExerciseResult, 'results' | 'typeProblems'> {
  /** The exercise's name. */
  readonly exercise: string;
}

export interface WorkerFunctions {
  grade(task: GradingTask): Promise<FileResult[]>;
}

/** What a worker tells meanwhile: a submission that is stopped keeps what it has earned by then. */
export interface WorkerEvents {
  settled(exercise: string, result: RequirementResult): void;
}

/**
 * A channel over two streams, a line for each message.
 *
 * @param onOther hears of lines that are none: whatever else was printed
 */
export function lineChannel(
  input: Readable,
  output: Writable,
  onOther: (line: string) => void = () => {},
): ChannelOptions {
  // Whoever reads may have gone; that is noticed elsewhere.
  output.on('error', () => {});
  return {
    post: (message) => {
      if (output.writable) output.write(`${JSON.stringify({ workbook: message })}\n`);
    },
    on: (listener) => {
      createInterface({ input }).on('line', (line) => {
        const message = readMessage(line);
        if (message === undefined) onOther(line);
        else listener(message);
      });
    },
  };
}

function readMessage(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'workbook' in value
      ? value.workbook
      : undefined;
  } catch {
    return undefined;
  }
}
