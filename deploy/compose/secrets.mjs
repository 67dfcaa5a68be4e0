// The secrets of docker-compose.yml, one folder for each service that may know them. Made once and then kept: nothing has a default
// password.
//
//   docker compose run --rm secrets                      make what is missing
//   docker compose run --rm secrets key list             the key ring of the agents, without the keys
//   docker compose run --rm secrets key add k2           accept a new key
//   docker compose run --rm secrets key activate k2      sign with it
//   docker compose run --rm secrets key drop k1          accept the old one no longer
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.env.SECRETS_DIR ?? '/secrets';
const deploy = process.env.DEPLOY_DIR ?? '/deploy';
const ringFile = join(root, 'agent/keys.yaml');

const [command = 'make', ...rest] = process.argv.slice(2);
if (command === 'make') make();
else if (command === 'key') changeRing(rest);
else fail(`unknown: ${command}; there are: make, key`);

function make() {
  // Written last. A run that was cut off begins anew: nobody has started with half of it.
  const done = join(root, 'agent/complete');
  if (existsSync(done)) {
    passTokenOn();
    return say('the secrets are there');
  }
  const users = {
    'ceilograph-raw': newSecret(),
    'ceilograph-internal': newSecret(),
    notifier: newSecret(),
    operator: newSecret(),
  };
  put('rabbitmq/definitions.json', definitions(users));
  put('rabbitmq/operator-password', users.operator);
  put('generator/notifier-password', users.notifier);
  put('agent/raw-password', users['ceilograph-raw']);
  put('agent/internal-password', users['ceilograph-internal']);
  const [redisAgent, redisOperator] = [newSecret(), newSecret()];
  put('redis/users.acl', redisUsers(redisAgent, redisOperator));
  put('redis/agent-password', redisAgent);
  put('redis/operator-password', redisOperator);
  put('agent/redis-password', redisAgent);
  put('agent/admin-token', newSecret());
  writeRing({ active: 'k1', keys: { k1: newSecret() } });
  passTokenOn();
  put('agent/complete', '');
  say('the secrets are made');
}

/** To whoever scrapes metrics: the one secret of the agents that it may know. A set of before it has none of it yet. */
function passTokenOn() {
  put('monitor/admin-token', readFileSync(join(root, 'agent/admin-token'), 'utf8'));
}

/** The shipped users, which nobody can log in as, with passwords. */
function definitions(passwords) {
  const shipped = JSON.parse(readFileSync(join(deploy, 'rabbitmq/definitions.json'), 'utf8'));
  for (const user of shipped.users) {
    const password = passwords[user.name];
    if (password === undefined) fail(`deploy/rabbitmq/definitions.json has a user without a secret: ${user.name}`);
    user.password_hash = rabbitHash(password);
  }
  return JSON.stringify(shipped, null, 2);
}

/** As rabbit_password_hashing_sha256 wants it. */
function rabbitHash(password) {
  const salt = randomBytes(4);
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64');
}

/** The shipped profile, and a user for people. */
function redisUsers(agent, operator) {
  const shipped = readFileSync(join(deploy, 'redis/users.acl'), 'utf8');
  const ours = shipped.replace('>change-this-password', `>${agent}`);
  if (ours === shipped) fail('deploy/redis/users.acl does not have the password that is to be replaced');
  return `${ours.trimEnd()}\nuser operator on >${operator} ~* &* +@all\n`;
}

function changeRing([action, name = '']) {
  const ring = readRing();
  if (action === 'list')
    return say(
      Object.keys(ring.keys)
        .map((kid) => (kid === ring.active ? `${kid} (signs)` : kid))
        .join(', '),
    );
  if (!/^[\w-]{1,32}$/.test(name)) fail('key add|activate|drop NAME');
  if (action === 'add') {
    if (name in ring.keys) fail(`there is a key ${name}`);
    ring.keys[name] = newSecret();
  } else {
    if (!(name in ring.keys)) fail(`there is no key ${name}; there are: ${Object.keys(ring.keys).join(', ')}`);
    if (action === 'activate') ring.active = name;
    else if (action === 'drop') {
      if (ring.active === name) fail(`${name} signs; activate another one first`);
      delete ring.keys[name];
    } else fail('key add|activate|drop NAME');
  }
  writeRing(ring);
  say(`restart the agents, one after the other, before the next step`);
}

/** JSON, which is YAML as well. */
function readRing() {
  return JSON.parse(readFileSync(ringFile, 'utf8'));
}

function writeRing(ring) {
  put('agent/keys.yaml', `${JSON.stringify(ring, null, 2)}\n`);
}

/** Each folder is a volume that only one service mounts, whoever that runs as. */
function put(name, text) {
  const file = join(root, name);
  writeFileSync(`${file}.new`, text, { mode: 0o444 });
  renameSync(`${file}.new`, file);
}

function newSecret() {
  return randomBytes(32).toString('hex');
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
