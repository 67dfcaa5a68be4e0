import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inHtml, onOneLine, parseTemplate, render, type Template } from '../../../src/core/mail/macros.ts';
import type { Event } from '../../../src/model/event.ts';
import { sampleWith } from '../../sample.ts';

const template = (source: string) => parseTemplate(source) as Template;

describe('macros', () => {
  it('keep every value on its line where a header is made', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const line = render(template('of {{resource_id}}.'), sampleWith({ id: 'i', resource_id: value }), 'sink', onOneLine);

        expect(line).not.toMatch(/[\u0000-\u001f\u007f\u0085\u2028\u2029]/);
      }),
    );
  });

  it('show what would have ended the line', () => {
    const sample = sampleWith({ id: 'i', resource_id: 'web\r\nBcc: evil@test.example\u0000' });

    expect(render(template('{{resource_id}}'), sample, 'sink', onOneLine)).toBe('web\\r\\nBcc: evil@test.example\\u0000');
  });

  it('make no tag of a value in HTML', () => {
    const sample = sampleWith({ id: 'i', resource_id: '<script>"\'&' });

    expect(render(template('<p>{{resource_id}}</p>'), sample, 'sink', inHtml)).toBe('<p>&lt;script&gt;&quot;&#39;&amp;</p>');
  });

  it('are not looked for in the values of others', () => {
    const sample = sampleWith({ id: 'i', resource_id: '{{project_id}}', project_id: 'secret' });

    expect(render(template('{{resource_id}}'), sample, 'sink', onOneLine)).toBe('{{project_id}}');
  });

  it('take what stands for a value that is missing, of a trait too', () => {
    const event: Event = {
      message_id: 'm',
      event_type: 't',
      generated: '2026-01-01T00:00:00Z',
      traits: [['host', 1, 'h1']],
      raw: {},
    };

    expect(render(template('{{host}} {{state|unknown}} {{toString|none}}'), event, 'sink', onOneLine)).toBe('h1 unknown none');
  });

  it.each(['{{a b}}', '{{}}', '{{a', '{{../x}}'])('refuse %j and show it', (source) => {
    expect(parseTemplate(source)).toHaveProperty('fault');
  });
});
