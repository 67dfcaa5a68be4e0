import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for 127.0.0.1: one that `caFile` trusts, one that nobody knows, and two that are trusted but out of date or of another name. */
export interface Certificates {
  readonly caFile: string;
  readonly good: Pair;
  readonly selfSigned: Pair;
  readonly expired: Pair;
  readonly ofAnother: Pair;
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const good = await make(folder, 'good', 'IP:127.0.0.1');
  const selfSigned = await make(folder, 'self', 'IP:127.0.0.1');
  const expired = await makeExpired(folder);
  const ofAnother = await make(folder, 'another', 'DNS:another.example');
  const caFile = join(folder, 'trusted.pem');
  await writeFile(caFile, `${good.cert}${expired.cert}${ofAnother.cert}`);
  return { caFile, good, selfSigned, expired, ofAnother };
}

async function make(folder: string, name: string, subject: string): Promise<Pair> {
  const [cert, key] = [join(folder, `${name}.cert.pem`), join(folder, `${name}.key.pem`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const about = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...about, '-keyout', key, '-out', cert]);
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

/** Only `openssl ca` makes one that is out of date already. */
async function makeExpired(folder: string): Promise<Pair> {
  const at = (name: string) => join(folder, name);
  const config = [
    '[ca]\ndefault_ca=own\n[own]\nnew_certs_dir=.\ndatabase=database\nserial=serial\ndefault_md=sha256\npolicy=any',
    'x509_extensions=names\n[any]\ncommonName=supplied\n[names]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n',
  ];
  await writeFile(at('ca.cnf'), config.join('\n'));
  await writeFile(at('database'), '');
  await writeFile(at('serial'), '01\n');
  const openssl = (...words: string[]) => promisify(execFile)('openssl', words, { cwd: folder });
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=expired'];
  await openssl('req', '-new', ...kind, '-keyout', 'expired.key.pem', '-out', 'request.pem');
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
  const sign = ['-batch', '-config', 'ca.cnf', '-selfsign', '-keyfile', 'expired.key.pem', '-in', 'request.pem', '-notext'];
  await openssl('ca', ...sign, ...dates, '-out', 'expired.cert.pem');
  return { cert: await readFile(at('expired.cert.pem'), 'utf8'), key: await readFile(at('expired.key.pem'), 'utf8') };
}
