import { readFile, rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SpoolerSchema } from '../../../src/core/spool/settings.ts';
import { readSecrets } from '../../../src/services/spooler/secrets.ts';
import { makeCertificate } from '../../services/certificate.ts';
import { RawListener } from './raw-peer.ts';
import { Site, until, uuids } from './rig.ts';

const read = (path: string) => readFile(path, 'utf8');

describe('a connection with TLS', () => {
  let folders: string[];
  let server: { readonly cert: string; readonly key: string };
  let stranger: { readonly cert: string; readonly key: string };
  let source: Site;
  let sink: Site;

  beforeAll(async () => {
    const [one, two] = [await makeCertificate('centre.example'), await makeCertificate('east.example')];
    [server, stranger] = [one, two];
    folders = [one.folder, two.folder];
  });
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
  beforeEach(async () => {
    [source, sink] = [await Site.make('east'), await Site.make('centre')];
  });
  afterEach(async () => {
    await source.close();
    await sink.close();
  });

  const startSink = async (more: object = {}) => {
    const settings = { role: 'sink', tcp_server: { listen: 0, tls: { cert_file: server.cert, key_file: server.key, ...more } } };
    const { serverTls } = await readSecrets(SpoolerSchema.parse(settings), read);
    sink.start(settings, { serverTls });
    return await sink.port();
  };
  const startSource = async (port: number, tls: object) => {
    const settings = { role: 'source', tcp_client: { servers: [{ address: '127.0.0.1', port, tls }], cooldown: 0.1 } };
    const { clientTls } = await readSecrets(SpoolerSchema.parse(settings), read);
    source.start(settings, { clientTls });
  };
  const reason = () => until(() => source.events.find((event) => event.kind === 'lost')?.reason);

  it('carries notifications', async () => {
    await source.put(...uuids(100));
    await startSource(await startSink(), { ca_file: server.cert, server_name: 'centre.example' });

    await until(() => sink.arrived().length === 100);
  });

  it('S30 is refused when the certificate has another name, and nothing is sent', async () => {
    await source.put('n-1');
    await startSource(await startSink(), { ca_file: server.cert, server_name: 'another.example' });

    expect(await reason()).toMatch(/another\.example/);
    expect(sink.arrived()).toEqual([]);
  });

  it('S30 is refused when nobody we trust signed the certificate', async () => {
    await startSource(await startSink(), { ca_file: stranger.cert, server_name: 'centre.example' });

    expect(await reason()).toMatch(/self-signed|unable to verify/);
  });

  it('wants a client certificate where that is configured', async () => {
    const port = await startSink({ client_ca_file: stranger.cert });
    await source.put('n-1');
    await startSource(port, { ca_file: server.cert, server_name: 'centre.example' });
    await until(() => sink.events.some((event) => event.kind === 'lost'));
    expect(sink.arrived()).toEqual([]);
    await source.kill();

    await startSource(port, {
      ca_file: server.cert,
      server_name: 'centre.example',
      cert_file: stranger.cert,
      key_file: stranger.key,
    });

    await until(() => sink.arrived().length === 1);
  });

  it('never falls back to plain: a sink that speaks plain hears nothing that it could read', async () => {
    const plain = await RawListener.listen();
    await source.put('n-1');
    await startSource(plain.port, { ca_file: server.cert });
    const peer = await plain.peer(0);
    peer.socket.write('not TLS');
    await reason();

    expect(Buffer.concat(peer.heard).includes('n-1')).toBe(false);
    await plain.close();
  });

  it.each([
    ['dialling', { role: 'source', tcp_client: { servers: [{ address: 'centre.example' }] } }],
    ['listening', { role: 'sink', tcp_server: { address: '0.0.0.0' } }],
  ])('is needed beyond this machine for %s, unless plain is said', async (_what, settings) => {
    await expect(readSecrets(SpoolerSchema.parse(settings), read)).rejects.toMatchObject({
      class: 'fatal',
      code: 'plain_connection',
    });
  });
});
