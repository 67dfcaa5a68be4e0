import type { OsloNotification } from './oslo-notifier.ts';
import {
  clusters,
  compute,
  ctxt,
  identity,
  image,
  images,
  launched,
  names,
  network,
  networks,
  polled,
  polling,
  port,
  project,
  server,
  serverSamples,
  serverTraits,
  snapshot,
  stacks,
  store,
  user,
  volume,
  volumes,
  volumeTraits,
} from './payloads.ts';

/**
 * What services of OpenStack say, and what must come of it with the definitions that come with the product. Written by hand, in
 * the shapes that the services send: samples as `name volume unit resource`, no matter in which order, and the traits beside the default
 * ones; null where a priority gives no event.
 */
export interface Said {
  readonly notification: OsloNotification;
  readonly samples: readonly string[];
  readonly traits: Readonly<Record<string, string | number>> | null;
}

type Say = Pick<OsloNotification, 'exchange' | 'publisher_id'> & Partial<Pick<OsloNotification, 'priority'>>;

/** Every second one without an envelope. */
let count = 0;
function said(from: Say, event_type: string, payload: OsloNotification['payload'], then: Omit<Said, 'notification'>): Said {
  count += 1;
  const version = count % 2 === 0 ? 1 : 2;
  return { notification: { priority: 'info', ...from, version, event_type, ctxt, payload }, ...then };
}

export const services: readonly Said[] = [
  said(
    compute,
    'compute.instance.create.start',
    { ...server, state: 'building', launched_at: '' },
    {
      samples: [],
      traits: { ...serverTraits, state: 'building' },
    },
  ),
  said(compute, 'compute.instance.create.end', server, {
    samples: [`compute.instance.booting.time 12.5 sec ${server.instance_id}`, ...serverSamples],
    traits: { ...serverTraits, ...launched, state: 'active', availability_zone: 'az-1' },
  }),
  said(
    compute,
    'compute.instance.update',
    { ...server, old_state: 'building' },
    {
      samples: [],
      traits: { ...serverTraits, ...launched, state: 'active', old_state: 'building' },
    },
  ),
  said(
    compute,
    'compute.instance.delete.end',
    { ...server, state: 'deleted', deleted_at: '2024-03-05T00:00:00.000000' },
    {
      samples: serverSamples,
      traits: { ...serverTraits, ...launched, state: 'deleted', deleted_at: '2024-03-05T00:00:00' },
    },
  ),
  said(
    { ...polling, priority: 'sample' },
    'telemetry.polling',
    {
      samples: [
        polled('cpu', 'cumulative', 'ns', 12_345_678_901_234, server.instance_id),
        polled('disk.device.read.bytes', 'cumulative', 'B', 123, `${server.instance_id}-vda`),
        polled('temperature', 'gauge', 'C', 12.5, 'node-1'),
      ],
    },
    {
      samples: [
        `cpu 12345678901234 ns ${server.instance_id}`,
        `disk.device.read.bytes 123 B ${server.instance_id}-vda`,
        'temperature 12.5 C node-1',
      ],
      traits: null,
    },
  ),
  said(volumes, 'volume.create.end', volume, {
    samples: [`volume.size 100 GiB ${volume.volume_id}`],
    traits: volumeTraits,
  }),
  said(
    volumes,
    'volume.resize.end',
    { ...volume, size: 200 },
    {
      samples: [`volume.size 200 GiB ${volume.volume_id}`],
      traits: { ...volumeTraits, size: 200 },
    },
  ),
  said(volumes, 'snapshot.create.end', snapshot, {
    samples: [`snapshot.size 100 GiB ${snapshot.snapshot_id}`],
    traits: {
      user_id: user,
      project_id: project,
      availability_zone: 'az-1',
      display_name: 'snap-1',
      status: 'available',
      created_at: '2024-03-04T06:30:00',
      resource_id: snapshot.snapshot_id,
      volume_id: volume.volume_id,
    },
  }),
  said(
    volumes,
    'capacity.backend',
    { name_to_id: 'host-2@lvm', total: 1000, free: 400.5, allocated: 550, provisioned: 600, virtual_free: 900 },
    {
      samples: [
        'volume.provider.capacity.total 1000 GiB host-2@lvm',
        'volume.provider.capacity.free 400.5 GiB host-2@lvm',
        'volume.provider.capacity.allocated 550 GiB host-2@lvm',
        'volume.provider.capacity.provisioned 600 GiB host-2@lvm',
        'volume.provider.capacity.virtual_free 900 GiB host-2@lvm',
      ],
      traits: {},
    },
  ),
  said(images, 'image.upload', image, {
    samples: [`image.size 4294967296 B ${image.id}`],
    traits: {
      resource_id: image.id,
      name: 'debian',
      status: 'active',
      size: 4_294_967_296,
      project_id: project,
      user_id: project,
      created_at: '2024-03-01T00:00:00',
    },
  }),
  said(
    images,
    'image.send',
    {
      image_id: image.id,
      owner_id: project,
      bytes_sent: 1_048_576,
      destination_ip: '192.0.2.7',
      receiver_user_id: user,
      receiver_tenant_id: 'other',
    },
    {
      samples: [`image.serve 1048576 B ${image.id}`, `image.download 1048576 B ${image.id}`],
      traits: {
        image_id: image.id,
        bytes_sent: 1_048_576,
        destination_ip: '192.0.2.7',
        receiver_project: 'other',
        receiver_user: user,
        user_id: project,
      },
    },
  ),
  said(networks, 'network.create.end', { network }, { samples: [], traits: { resource_id: network.id, name: 'net-1' } }),
  said(networks, 'port.update.end', { port }, { samples: [], traits: { resource_id: port.id, name: 'port-1' } }),
  said(networks, 'router.delete.end', { id: 'e3' }, { samples: [], traits: { resource_id: 'e3' } }),
  said(
    networks,
    'l3.meter',
    { bytes: 4096, pkts: 12, label_id: 'label-1', tenant_id: project, host: 'net-1' },
    { samples: ['bandwidth 4096 B label-1'], traits: {} },
  ),
  said(
    identity,
    'identity.project.created',
    { resource_info: 'f1', initiator: { id: user, project_id: project, domain_id: 'default' } },
    { samples: [], traits: { resource_id: 'f1', initiator_id: user, project_id: project, domain_id: 'default' } },
  ),
  said(
    identity,
    'identity.authenticate',
    {
      id: 'cadf-1',
      typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
      eventType: 'activity',
      eventTime: '2024-03-04T07:00:00.000000+0000',
      action: 'authenticate',
      outcome: 'success',
      initiator: {
        id: user,
        name: 'ann',
        typeURI: 'service/security/account/user',
        host: { address: '192.0.2.8', agent: 'curl' },
      },
      target: { id: 'target-1', typeURI: 'service/security/account/user' },
      observer: { id: 'observer-1', typeURI: 'service/security' },
    },
    {
      samples: [`identity.authenticate.success 1 user ${user}`],
      traits: {
        id: 'cadf-1',
        typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
        eventType: 'activity',
        eventTime: '2024-03-04T07:00:00',
        action: 'authenticate',
        outcome: 'success',
        initiator_id: user,
        initiator_name: 'ann',
        initiator_typeURI: 'service/security/account/user',
        initiator_host_addr: '192.0.2.8',
        initiator_host_agent: 'curl',
        target_id: 'target-1',
        target_typeURI: 'service/security/account/user',
        observer_id: 'observer-1',
        observer_typeURI: 'service/security',
      },
    },
  ),
  said(
    stacks,
    'orchestration.stack.create.end',
    { stack_identity: 'arn:stack-1', name: 'stack-1', tenant_id: project, state: 'CREATE_COMPLETE' },
    { samples: [], traits: { resource_id: 'arn:stack-1', name: 'stack-1', project_id: project, user_id: user } },
  ),
  said(
    store,
    'objectstore.http.request',
    {
      target: { id: 'account-1' },
      initiator: { id: user, project_id: project },
      measurements: [{ metric: { name: 'storage.objects.outgoing.bytes', unit: 'B' }, result: 512 }],
    },
    { samples: ['storage.objects.outgoing.bytes 512 B account-1'], traits: { initiator_id: user, target_id: 'account-1' } },
  ),
  said(
    names,
    'dns.domain.exists',
    {
      id: 'zone-1',
      tenant_id: project,
      status: 'ACTIVE',
      audit_period_beginning: '2024-03-04 00:00:00',
      audit_period_ending: '2024-03-04 01:00:00',
    },
    {
      samples: ['dns.domain.exists 3600 s zone-1'],
      traits: {
        resource_id: 'zone-1',
        status: 'ACTIVE',
        audit_period_beginning: '2024-03-04T00:00:00',
        audit_period_ending: '2024-03-04T01:00:00',
      },
    },
  ),
  said(
    clusters,
    'magnum.bay.metrics',
    { resource_id: 'bay-1', user_id: user, project_id: project, metrics: [{ name: 'memory_util', unit: '%', value: 55 }] },
    { samples: ['memory_util 55 % bay-1'], traits: {} },
  ),
  said(
    { ...compute, priority: 'error' },
    'compute.instance.create.error',
    { ...server, state: 'error', launched_at: '' },
    { samples: [], traits: { ...serverTraits, state: 'error' } },
  ),
];
