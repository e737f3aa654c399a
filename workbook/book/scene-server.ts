import type { Scene } from '../../chapters/stage.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import {
  findOrStartServer,
  hidePassword,
  type ServerInUse,
  startOwnServer,
} from '../../system/redis/find-server.ts';
import { Connection } from '../../system/resp/connection.ts';
import type { Reply } from '../../system/resp/reply.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { print } from '../../system/terminal/print.ts';

const CLIENT_NAME = 'workbook-scene';

/**
 * The server for a scene, without the keys that the scene wants to find empty. On the shared server
 * they are deleted, and that is said; on the learner's own server nothing is ever deleted.
 *
 * @throws UserError when the learner's own server holds one of the keys
 */
export async function chooseServer(scene: Scene, lifetime: Lifetime): Promise<ServerInUse> {
  const server = await findOrStartServer(lifetime);
  if (server.kind === 'private') return server;

  const connection = await Connection.open(server.url);
  lifetime.atEnd(() => connection.close());
  if (server.kind === 'shared' && (await isTaken(connection))) {
    note(
      'Another scene is playing on the shared server, so this one plays on a server of its own.',
    );
    connection.close();
    return startOwnServer(lifetime);
  }

  const present: string[] = [];
  for (const key of scene.keys) {
    const reply = await connection.send(['EXISTS', key]);
    if (text(reply) === '1') present.push(key);
  }
  if (server.kind === 'learner') {
    if (present.length > 0) throw new UserError(keysInTheWay(present, server.url));
    note(`Playing on your own server, ${hidePassword(server.url)}.`);
    return server;
  }
  note(`Playing on the shared server, ${server.url}.`);
  if (present.length > 0) {
    await connection.send(['DEL', ...present]);
    note(`Deleted there, for a clean start: ${present.join(', ')}.`);
  }
  return server;
}

function keysInTheWay(keys: readonly string[], url: string): string {
  return [
    `Your server already holds what this scene wants to create: ${keys.join(', ')}.`,
    'It may be dear to you, so the workbook does not touch it. You can',
    `  - delete it yourself:     DEL ${keys.join(' ')}`,
    `  - use another database:   REDIS_URL=${hidePassword(new URL('/9', url).toString())}`,
    '  - unset REDIS_URL:        the scene then plays on a server of its own',
  ].join('\n');
}

/**
 * Whether another scene plays on this server. Scenes name their connections; of two that come at
 * once, the one with the smaller client id was first. A scene that died has no connection.
 */
async function isTaken(connection: Connection): Promise<boolean> {
  await connection.send(['CLIENT', 'SETNAME', CLIENT_NAME]);
  const own = Number(text(await connection.send(['CLIENT', 'ID'])));
  const clients = text(await connection.send(['CLIENT', 'LIST'])).split('\n');
  return clients.some((client) => {
    const id = Number(/\bid=(\d+)/.exec(client)?.[1]);
    return client.includes(` name=${CLIENT_NAME} `) && id < own;
  });
}

function text(reply: Reply): string {
  if (reply.type === 'bulk') return reply.bytes.toString();
  return 'text' in reply ? reply.text : '';
}

function note(message: string): void {
  print(colour.dim(paragraph(message)));
}
