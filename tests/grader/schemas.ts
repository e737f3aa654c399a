// What other systems accept, as JSON Schema, written down from their documentation.

const integer = { type: 'integer', minimum: 0 };
const text = { type: 'string' };
const name = { type: 'string', minLength: 1 };
const instant = {
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\dZ$',
};
const format = { enum: ['text', 'html', 'simple_format', 'md', 'ansi'] };
const visibility = { enum: ['hidden', 'after_due_date', 'after_published', 'visible'] };

/** https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format; we name no field that it does not. */
export const GRADESCOPE = {
  type: 'object',
  additionalProperties: false,
  required: ['tests'],
  properties: {
    execution_time: { type: 'number', minimum: 0 },
    output: text,
    output_format: format,
    test_output_format: format,
    test_name_format: format,
    visibility,
    stdout_visibility: visibility,
    extra_data: { type: 'object' },
    tests: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['score', 'max_score', 'status', 'name'],
        properties: {
          score: integer,
          max_score: integer,
          status: { enum: ['passed', 'failed'] },
          name,
          name_format: format,
          number: { type: 'string', pattern: '^\\d+\\.\\d+$' },
          output: text,
          output_format: format,
          tags: { type: 'array', items: text },
          visibility,
          extra_data: { type: 'object' },
        },
      },
    },
  },
};

/** `schemas/result-v1.schema.json` of foundation50/classroom50, as of August 2026. */
export const CLASSROOM50 = {
  type: 'object',
  additionalProperties: false,
  required: [
    ...['schema', 'classroom', 'assignment', 'assignment_type', 'owner', 'submission', 'commit'],
    ...['release', 'review', 'datetime', 'score', 'max-score', 'tests'],
  ],
  properties: {
    schema: { const: 'classroom50/result/v1' },
    classroom: name,
    assignment: name,
    assignment_type: { enum: ['individual', 'group'] },
    owner: name,
    submission: { type: 'string', pattern: '^submit/' },
    commit: name,
    release: name,
    review: name,
    datetime: instant,
    graded_at: instant,
    score: integer,
    'max-score': integer,
    tests: {
      type: 'array',
      items: {
        type: 'object',
        required: ['test-name', 'passed', 'score', 'max-score'],
        properties: {
          'test-name': name,
          passed: { type: 'boolean' },
          score: integer,
          'max-score': integer,
        },
      },
    },
    submitted_by: {
      type: 'object',
      additionalProperties: false,
      required: ['username'],
      properties: { username: name, id: { type: ['integer', 'null'] } },
    },
  },
};

const status = { enum: ['passed', 'failed', 'not started', 'crashed', 'timed out'] };
const lines = { type: 'array', items: text };

/** Our own `--json`. */
export const WORKBOOK = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'seed', 'points', 'of', 'exercises'],
  properties: {
    version: { const: 1 },
    seed: integer,
    points: integer,
    of: integer,
    exercises: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: [
          'number',
          'name',
          'title',
          'file',
          'points',
          'of',
          'requirements',
          'typeProblems',
        ],
        properties: {
          number: integer,
          name,
          title: name,
          file: name,
          points: integer,
          of: integer,
          requirements: {
            type: 'array',
            items: {
              type: 'object',
              required: ['number', 'id', 'title', 'points', 'of', 'milliseconds', 'status'],
              properties: {
                number: integer,
                id: name,
                title: name,
                points: integer,
                of: integer,
                milliseconds: integer,
                status,
                expected: text,
                happened: text,
                frame: text,
                sequence: lines,
                commands: lines,
                state: lines,
              },
            },
          },
          typeProblems: {
            type: 'array',
            items: { type: 'object', required: ['place', 'message'] },
          },
        },
      },
    },
  },
};

const counted = ['@name', '@tests', '@failures', '@errors', '@time'];

/** What an element of JUnit XML may hold (testmoapp/junitxml), attributes with an `@`, of what we use. */
export const JUNIT: Record<string, readonly string[]> = {
  testsuites: [...counted, 'testsuite'],
  testsuite: [...counted, 'properties', 'testcase'],
  properties: ['property'],
  property: ['@name', '@value'],
  testcase: [
    ...['@name', '@classname', '@file', '@time', 'properties', 'failure', 'error', 'system-out'],
  ],
  failure: ['@message', '@type', '#'],
  error: ['@message', '@type', '#'],
  'system-out': ['#'],
};
