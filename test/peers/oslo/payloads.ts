/** Who asked, as oslo.context tells it. */
export const ctxt = {
  request_id: 'req-8a3f0b5c',
  project_id: 'c0ffee00000000000000000000000001',
  user_id: 'beef0000000000000000000000000001',
};
export const project = ctxt.project_id;
export const user = ctxt.user_id;

export const compute = { exchange: 'nova', publisher_id: 'compute.host-1.example' };
export const volumes = { exchange: 'cinder', publisher_id: 'volume.host-2@lvm' };
export const images = { exchange: 'glance', publisher_id: 'image.api-1' };
export const networks = { exchange: 'neutron', publisher_id: 'network.ctl-1' };
export const identity = { exchange: 'keystone', publisher_id: 'identity.ctl-1' };
export const polling = { exchange: 'ceilometer', publisher_id: 'ceilometer.polling' };
export const store = { exchange: 'swift', publisher_id: 'ceilometermiddleware' };
export const names = { exchange: 'dns', publisher_id: 'producer.ctl-1' };
export const clusters = { exchange: 'magnum', publisher_id: 'magnum.host-3' };
export const stacks = { exchange: 'heat', publisher_id: 'orchestration.ctl-1' };

export const server = {
  instance_id: 'a1000000-0000-4000-8000-000000000001',
  tenant_id: project,
  user_id: user,
  display_name: 'web-1',
  instance_type: 'm1.small',
  instance_type_id: 2,
  instance_flavor_id: '42',
  memory_mb: 2048,
  vcpus: 2,
  root_gb: 20,
  disk_gb: 25,
  ephemeral_gb: 5,
  host: 'host-1.example',
  node: 'host-1.example',
  availability_zone: 'az-1',
  state: 'active',
  created_at: '2024-03-04 05:00:00+00:00',
  launched_at: '2024-03-04T05:00:12.500000',
  deleted_at: '',
  image_meta: { base_image_ref: 'a2' },
  metadata: {},
};
export const serverSamples = [
  `memory 2048 MiB ${server.instance_id}`,
  `vcpus 2 vcpu ${server.instance_id}`,
  `disk.root.size 20 GiB ${server.instance_id}`,
  `disk.ephemeral.size 5 GiB ${server.instance_id}`,
];
export const serverTraits = {
  resource_id: server.instance_id,
  instance_id: server.instance_id,
  display_name: 'web-1',
  user_id: user,
  tenant_id: project,
  service: 'compute',
  host: 'host-1.example',
  instance_type: 'm1.small',
  instance_type_id: '2',
  instance_flavor_id: '42',
  vcpus: 2,
  memory_mb: 2048,
  disk_gb: 25,
  root_gb: 20,
  ephemeral_gb: 5,
};
export const launched = { launched_at: '2024-03-04T05:00:12.500000' };

export const volume = {
  volume_id: 'b1000000-0000-4000-8000-000000000001',
  tenant_id: project,
  user_id: user,
  host: 'host-2@lvm',
  availability_zone: 'az-1',
  display_name: 'data-1',
  volume_type: 'fast',
  size: 100,
  status: 'available',
  replication_status: 'disabled',
  created_at: '2024-03-04T06:00:00+00:00',
  volume_attachment: [],
  glance_metadata: [],
};
export const volumeTraits = {
  user_id: user,
  project_id: project,
  availability_zone: 'az-1',
  display_name: 'data-1',
  status: 'available',
  replication_status: 'disabled',
  created_at: '2024-03-04T06:00:00',
  resource_id: volume.volume_id,
  host: 'host-2@lvm',
  type: 'fast',
  size: 100,
};
export const snapshot = {
  snapshot_id: 'b2000000-0000-4000-8000-000000000001',
  volume_id: volume.volume_id,
  volume_size: 100,
  tenant_id: project,
  user_id: user,
  availability_zone: 'az-1',
  display_name: 'snap-1',
  status: 'available',
  created_at: '2024-03-04T06:30:00+00:00',
};
export const image = {
  id: 'd1000000-0000-4000-8000-000000000001',
  name: 'debian',
  status: 'active',
  size: 4_294_967_296,
  owner: project,
  created_at: '2024-03-01T00:00:00Z',
  deleted_at: null,
};
export const network = { id: 'e1000000-0000-4000-8000-000000000001', name: 'net-1', tenant_id: project };
export const port = { id: 'e2000000-0000-4000-8000-000000000001', name: 'port-1', network_id: network.id };

export const polled = (
  counter_name: string,
  counter_type: string,
  counter_unit: string,
  counter_volume: number,
  resource_id: string,
) => ({
  counter_name,
  counter_type,
  counter_unit,
  counter_volume,
  resource_id,
  user_id: user,
  user_name: null,
  project_id: project,
  project_name: null,
  source: 'openstack',
  timestamp: '2024-03-04T07:00:00.000000+00:00',
  resource_metadata: { vcpus: 2 },
  message_id: `${counter_name}-of-${resource_id}`,
  monotonic_time: null,
  message_signature: '',
});
