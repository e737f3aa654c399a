// Downloads and compiles Redis, in a process of its own that can be killed with all its compilers:
// `node compile-redis.cjs <version> <folder>`. The server ends up in <folder>/<version>/.
//
// The one place that imports redis-memory-server. Its own class is used rather than its front door,
// because the archive has to be checked between the download and the first command that it runs.
'use strict';

const { createHash } = require('node:crypto');
const { readFileSync, rmSync } = require('node:fs');
const RedisBinaryDownload = require('redis-memory-server/lib/util/RedisBinaryDownload').default;

/**
 * SHA-256 of the archives, as published in https://github.com/redis/redis-hashes
 * @type {Record<string, string>}
 */
const CHECKSUMS = {
  '7.2.12': '97c60478a7c777ac914ca9d87a7e88ba265926456107e758c62d8f971d0196bc',
};

const [version = '', downloadDir = ''] = process.argv.slice(2);

// Failed until proven otherwise: when the mirror breaks off in the middle of the archive,
// redis-memory-server waits for the rest for ever, and Node ends because nothing else is to be done.
process.exitCode = 1;
const reportBrokenDownload = () => console.error('the connection broke off in the middle');
process.once('beforeExit', reportBrokenDownload);

build()
  .then(() => {
    process.exitCode = 0;
  })
  .catch((error) => console.error(error instanceof Error ? error.message : error))
  .finally(() => process.off('beforeExit', reportBrokenDownload));

async function build() {
  const downloader = new RedisBinaryDownload({ version, downloadDir });
  const archive = await downloader.startDownload();
  verify(archive);
  await downloader.getRedisServerPath();
}

/** @param {string} archive */
function verify(archive) {
  const expected = process.platform === 'win32' ? undefined : CHECKSUMS[version];
  if (!expected) {
    console.error(`no checksum is known for version ${version}: not verified`);
    return;
  }
  const actual = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (actual === expected) return;
  rmSync(archive);
  throw new Error(`the checksum of the downloaded archive is wrong: ${actual}`);
}
