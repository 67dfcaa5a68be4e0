import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clusterKeys } from '../../../src/coordination/redis/keys.ts';
import { projectDir } from '../../run/program.ts';

const source = ['src/coordination/redis', 'src/state/redis']
  .flatMap((room) =>
    readdirSync(join(projectDir, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(projectDir, room, name), 'utf8')),
  )
  .join('\n');
const [first = ''] = readFileSync(join(projectDir, 'deploy/redis/users.acl'), 'utf8').split('\n');
const rules = (readFileSync(join(projectDir, 'deploy/redis/users.acl'), 'utf8').split('\n')[1] ?? '').split(' ');

/** What a script calls, and what is sent directly. */
const used = new Set([
  ...[...source.matchAll(/redis\.p?call\('(\w+)'/g)].map(([, name = '']) => name.toLowerCase()),
  ...[...source.matchAll(/\.command\('(\w+)'(?:, '(\w+)')?/g)].map(([, name = '', first = '']) =>
    name === 'CONFIG' ? `config|${first.toLowerCase()}` : name.toLowerCase(),
  ),
]);

it('the Redis profile allows every command that we use', () => {
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((name) => !rules.includes(`+${name}`))).toEqual([]);
});

it('the Redis profile allows nothing by a category, and no other key than ours', () => {
  expect(rules.filter((rule) => /^\+@|^allcommands|^~\*|^allkeys|^&|^nopass/.test(rule))).toEqual([]);
  const [pattern = ''] = rules.filter((rule) => rule.startsWith('~'));
  const keys = clusterKeys('ceilograph');
  for (const key of [keys.meta, keys.plan, keys.lease('u'), keys.part('u', 'head')])
    expect(key.startsWith(pattern.slice(1, -1)), key).toBe(true);
});

it('the Redis profile leaves the default user off, and all rights to it: Redis reads its file as that user', () => {
  expect(first).toBe('user default off resetpass ~* &* +@all');
});
