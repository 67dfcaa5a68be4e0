const kinds = [
  'create.start',
  'create.end',
  'exists',
  'update',
  'delete.end',
  'resize.end',
  'power_off.end',
  'power_on.end',
] as const;

/**
 * Notifications of our own invention in the shape and size (2 kB) that nova sends, as oslo.messaging puts them on the bus. Another
 * `i` is another message id and another instance.
 */
export function notification(i: number): Uint8Array {
  const hex = (salt: number, length: number) => {
    let text = '';
    for (let j = 0; text.length < length; j++)
      text += (Math.imul(i + 1, 2654435761) ^ Math.imul(j + salt, 40503)).toString(16).replace('-', '');
    return text.slice(0, length);
  };
  const uuid = (salt: number) => hex(salt, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const second = `${i % 60}`.padStart(2, '0');
  const message = {
    _context_request_id: `req-${uuid(1)}`,
    _context_user_id: hex(2, 32),
    _context_project_id: hex(3, 32),
    _context_is_admin: false,
    _context_roles: ['member', 'reader'],
    _context_remote_address: '192.0.2.17',
    _context_timestamp: `2026-03-04T05:06:${second}.123456`,
    _context_read_deleted: 'no',
    _context_user_domain: 'default',
    _context_project_domain: 'default',
    message_id: uuid(4),
    publisher_id: `compute.node-${i % 97}.example.org`,
    event_type: `compute.instance.${kinds[i % kinds.length]}`,
    priority: 'INFO',
    payload: {
      tenant_id: hex(3, 32),
      user_id: hex(2, 32),
      instance_id: uuid(5),
      display_name: `web-${i}`,
      reservation_id: `r-${hex(6, 8)}`,
      hostname: `web-${i}`,
      instance_type: 'm1.medium',
      instance_type_id: 5,
      instance_flavor_id: '3',
      architecture: 'x86_64',
      memory_mb: 4096,
      disk_gb: 40,
      vcpus: 2,
      root_gb: 40,
      ephemeral_gb: 0,
      host: `node-${i % 97}.example.org`,
      node: `node-${i % 97}.example.org`,
      availability_zone: 'az-1',
      cell_name: '',
      created_at: '2026-03-04 05:05:41+00:00',
      terminated_at: '',
      deleted_at: '',
      launched_at: '2026-03-04T05:06:02.000000',
      image_ref_url: `http://192.0.2.5:9292/images/${uuid(7)}`,
      os_type: 'linux',
      kernel_id: '',
      ramdisk_id: '',
      state: 'active',
      state_description: '',
      progress: '',
      access_ip_v4: null,
      access_ip_v6: null,
      image_meta: { base_image_ref: uuid(7), min_disk: '40', min_ram: '0', container_format: 'bare', disk_format: 'qcow2' },
      metadata: { 'metering.server_group': hex(8, 8), owner: 'team-a' },
      fixed_ips: [
        {
          address: `10.0.${i % 256}.9`,
          type: 'fixed',
          version: 4,
          floating_ips: [],
          label: 'private',
          vif_mac: 'fa:16:3e:00:11:22',
        },
      ],
    },
    timestamp: `2026-03-04 05:06:${second}.654321`,
    _unique_id: hex(9, 32),
  };
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) }));
}
