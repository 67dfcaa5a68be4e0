import { PythonError } from '../../python/python-error.ts';
import { compilePattern } from '../../python/regex/pattern.ts';
import { get, item, type SampleEndpoint } from './endpoint.ts';

/** One delta of 1 per API request or response, as the `audit` and `ceilometermiddleware` senders announce them. */
export function httpEndpoint(eventType: 'http.request' | 'http.response'): SampleEndpoint {
  return {
    matches: compilePattern(eventType).matches,
    build: (document) => {
      const { event_type, payload } = document.notification;
      const unit = event_type.split('.')[1];
      if (unit === undefined) throw new PythonError('IndexError', 'list index out of range');
      const request = item(payload, 'request');
      return [
        {
          name: event_type,
          type: 'delta',
          unit,
          volume: 1,
          user_id: get(request, 'HTTP_X_USER_ID'),
          user_name: null,
          project_id: get(request, 'HTTP_X_PROJECT_ID'),
          project_name: null,
          resource_id: get(request, 'HTTP_X_SERVICE_NAME'),
          timestamp: document.sampleTime,
          resource_metadata: document.payloadMetadata,
          source: null,
          id: null,
        },
      ];
    },
  };
}
