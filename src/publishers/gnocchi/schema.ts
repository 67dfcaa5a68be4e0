import { z } from 'zod';
import { httpTarget, httpUrl } from '../http-target.ts';

const Keystone = z
  .strictObject({
    auth_url: httpUrl().describe('Keystone, `http://keystone:5000/v3`.'),
    username: z.string().min(1).optional(),
    user_id: z.string().min(1).optional(),
    password: z.string().optional().describe('Better as a file.'),
    password_file: z.string().min(1).optional().describe('A file with the password, read for every token.'),
    project_name: z.string().min(1).optional(),
    project_id: z.string().min(1).optional(),
    user_domain_name: z.string().min(1).optional(),
    user_domain_id: z.string().min(1).optional().describe('Without a domain: `default`.'),
    project_domain_name: z.string().min(1).optional(),
    project_domain_id: z.string().min(1).optional().describe('Without a domain: `default`.'),
    region_name: z.string().min(1).optional().describe('Of the endpoint; without it the first.'),
    interface: z.string().default('public').describe('Of the endpoint: public, internal or admin.'),
  })
  .refine((keystone) => keystone.username !== undefined || keystone.user_id !== undefined, 'username or user_id is required')
  .refine(
    (keystone) => keystone.password === undefined || keystone.password_file === undefined,
    'password or password_file, not both',
  );
export type KeystoneParameters = z.output<typeof Keystone>;

export const GnocchiSchema = z
  .strictObject({
    url: httpUrl()
      .optional()
      .describe(
        'Gnocchi, `http://gnocchi:8041`; a user may stand in it (`http://admin@…`, its basic mode). Without it the catalog of `keystone` says.',
      ),
    keystone: Keystone.optional().describe('Who we are: a token of Keystone, with a password (v3).'),
    resources_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Ceilometer's gnocchi_resources.yaml: types, archive policies and attributes. Without it every resource is `generic`.",
      ),
    archive_policy: z.string().min(1).optional().describe('For every metric, whatever the file says.'),
    filter_project: z
      .string()
      .min(1)
      .optional()
      .describe("Leave out what this project did: Gnocchi's own, whose samples about itself would never end. Needs `keystone`."),
    filter_domain: z.string().min(1).default('Default').describe('The domain of that project.'),
    ...httpTarget,
  })
  .refine((gnocchi) => gnocchi.url !== undefined || gnocchi.keystone !== undefined, 'url or keystone is required');
export type GnocchiParameters = z.output<typeof GnocchiSchema>;
export const summary =
  'Writes samples as measures to Gnocchi, creates and updates their resources, and lets events begin and end them.';
