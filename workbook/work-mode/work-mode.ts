import { type Exercise, readExercises } from '../../grader/exercises.ts';
import type { NumberedRequirement } from '../../grader/requirement.ts';
import type { ExerciseResult } from '../../grader/result.ts';
import type { Session } from '../../grader/session.ts';
import { shownPath } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage, UserError } from '../../system/process/user-error.ts';
import { Page } from '../../system/terminal/page.ts';
import { beginAgain } from '../learner/backups.ts';
import { giveHints } from '../learner/hints.ts';
import { noteResult } from '../learner/note-result.ts';
import { requirementList } from '../learner/overview.ts';
import { readProgress } from '../learner/progress-file.ts';
import { type Opened, solutionDiff, solutionText } from '../learner/solution.ts';
import { readStandings, type Standing, standingOf } from '../learner/standing.ts';
import { watchFiles } from './watch-files.ts';
import { taskText, verdictText, workFoot, workHead } from './work-view.ts';

const HOSTS_FOR_ONE = 4;

/**
 * One requirement at a time: it is graded whenever the file is saved, shown alone and in full, and stays on the screen until
 * a key moves on.
 */
export class WorkMode {
  readonly #session: Session;
  readonly #seed = Math.floor(Math.random() * 1_000_000);
  readonly #page: Page;
  #exercise: Exercise;
  #number: number;
  #result: ExerciseResult | undefined;
  /** What is shown instead of the verdict. */
  #aside: Opened | undefined;
  #status = '';
  /** What stands above everything else until the next key, however often it is graded meanwhile. */
  #notice = '';
  /** What is done if the next key is `y`. */
  #confirmed: (() => void | Promise<void>) | undefined;
  #grading = false;
  #again = false;

  constructor(session: Session, exercise: Exercise, lifetime: Lifetime) {
    this.#session = session;
    this.#exercise = exercise;
    this.#number = this.#standing.open[0]?.number ?? 1;
    this.#page = new Page(lifetime, (key) => void this.#press(key).catch(this.#tell));
  }

  /** Works until `q` or Ctrl+C. */
  async run(poll: boolean): Promise<void> {
    this.#show();
    const files = readExercises().map(({ file }) => file);
    const watching = await watchFiles(files, poll, () => this.#grade());
    this.#grade();
    try {
      await this.#page.left;
    } finally {
      await watching.close();
    }
  }

  get #standing(): Standing {
    return standingOf(this.#exercise, readProgress());
  }

  get #current(): NumberedRequirement {
    const requirement = this.#exercise.requirements[this.#number - 1];
    if (!requirement) throw new Error(`${this.#exercise.name} has no requirement ${this.#number}`);
    return requirement;
  }

  async #press(key: string): Promise<void> {
    const confirmed = this.#confirmed;
    this.#confirmed = undefined;
    this.#notice = '';
    if (key === 'q' || key === 'ctrl+c') return this.#page.leave();
    if (confirmed && key === 'y') return confirmed();
    if (this.#page.scroll(key)) return;
    const actions: Record<string, () => void | Promise<void>> = {
      n: () => this.#next(),
      p: () => this.#goTo(Math.max(1, this.#number - 1)),
      t: () => this.#open(taskText(this.#exercise, this.#current)),
      h: async () => this.#open(await giveHints(this.#exercise, this.#current, 'with next', 'h')),
      l: () => this.#open(requirementList(this.#standing, readProgress(), this.#number)),
      s: () => this.#giveAway(() => this.#openSolution()),
      d: () => this.#giveAway(() => this.#openDiff()),
      x: () => this.#ask('Begin again? Your file is copied first. y: yes', () => this.#reset()),
      r: () => this.#grade(),
    };
    const action = actions[key];
    if (action) await action();
    else this.#back();
  }

  /** Grades the current requirement now, or once more when that is going on already. */
  #grade(wanted: readonly NumberedRequirement[] = [this.#current]): void {
    this.#aside = undefined;
    if (this.#grading) {
      this.#again = true;
      return;
    }
    void this.#gradeOnce(wanted).catch(this.#page.leave);
  }

  async #gradeOnce(wanted: readonly NumberedRequirement[]): Promise<void> {
    this.#grading = true;
    this.#say(wanted.length === 1 ? 'Grading ...' : 'Grading all of it once more ...');
    const exercise = this.#exercise;
    let news: string | undefined;
    try {
      const job = { exercise, file: exercise.file, wanted };
      const [result] = await this.#session.grade([job], this.#seed);
      if (result && exercise === this.#exercise) {
        this.#result = result;
        news = await noteResult(result, true);
        if (wanted.length > 1) this.#number = this.#standing.open[0]?.number ?? this.#number;
      }
      this.#status = `Graded at ${new Date().toLocaleTimeString('sv-SE')}. Save the file, and it is graded again.`;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#status = errorMessage(error);
    }
    this.#grading = false;
    this.#aside = news === undefined ? undefined : { text: news, from: 0 };
    this.#show();
    if (this.#again) {
      this.#again = false;
      return this.#gradeOnce([this.#current]);
    }
    // A later change may have broken what had passed before: together is what counts.
    const { open, solved } = this.#standing;
    if (wanted.length === 1 && open.length === 0 && !solved) {
      return this.#gradeOnce(this.#exercise.requirements);
    }
    await this.#session.warmUp(HOSTS_FOR_ONE);
  }

  async #next(): Promise<void> {
    const { open, solved } = this.#standing;
    const next = open.find(({ number }) => number > this.#number) ?? open[0];
    if (next && next.number !== this.#number) return this.#goTo(next.number);
    if (next) return this.#say('This is the only one that is left.');
    if (!solved) return this.#grade(this.#exercise.requirements);
    const unsolved = readStandings(readProgress()).find((standing) => !standing.solved);
    if (!unsolved) return this.#say('All exercises are solved. q: quit');
    this.#exercise = unsolved.exercise;
    this.#goTo(unsolved.open[0]?.number ?? 1);
  }

  #goTo(number: number): void {
    this.#number = number;
    this.#result = undefined;
    this.#grade();
  }

  /** Shows what gives the answer away, at once to those who have found it; the others are asked first. */
  #giveAway(show: () => void): void {
    if (this.#standing.solved) show();
    else this.#ask('You have not solved it yet. See the solution all the same? y: yes', show);
  }

  #openSolution(): void {
    const { folder, solution } = this.#exercise;
    const where = `${shownPath(solution)}; solutions/${folder}/README.md says why.`;
    this.#open(solutionText(this.#exercise, this.#current), where);
  }

  #openDiff(): void {
    const { text, from } = solutionDiff(this.#exercise, this.#current, 'x: the starter comes back');
    this.#open({ text, from }, 'From your file (-) to the solution (+).');
  }

  async #reset(): Promise<void> {
    this.#notice = await beginAgain(this.#exercise);
    this.#goTo(1);
  }

  /** The next key is the answer: `y`, or any other. */
  #ask(question: string, act: () => void | Promise<void>): void {
    this.#confirmed = act;
    this.#say(question);
  }

  #say(status: string): void {
    this.#status = status;
    this.#show(true);
  }

  #open(what: string | Opened, about = ''): void {
    this.#aside = typeof what === 'string' ? { text: what, from: 0 } : what;
    this.#status = `${about} Any other key: back to the requirement.`.trim();
    this.#show();
  }

  /** Shows what the learner can put right; anything else ends work mode. */
  readonly #tell = (error: unknown): void => {
    if (error instanceof UserError) this.#open(error.message);
    else this.#page.leave(error);
  };

  #back(): void {
    this.#aside = undefined;
    this.#status = '';
    this.#show();
  }

  #show(stay = false): void {
    const { text, from } = this.#aside ?? {
      text: verdictText(this.#result, this.#current, true),
      from: 0,
    };
    this.#page.show({
      head: workHead(this.#standing, this.#current, this.#page.columns),
      body: this.#notice ? `${this.#notice}\n\n${text}` : text,
      foot: workFoot(this.#status),
      from: stay ? 'where it was' : from,
    });
  }
}
