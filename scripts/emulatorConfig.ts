import { azureResources } from './azureResources.ts';

/** The emulator keeps messages for an hour and knows the IDs of five minutes, at most. */
const longestTimeToLive = 'PT1H';
const longestWindow = 'PT5M';

/** `Config.json` of the official Service Bus emulator, with the queues of the pipeline. */
export function emulatorConfig() {
  const queues = azureResources().queues.map(({ name, properties }) => ({
    Name: name,
    Properties: {
      DeadLetteringOnMessageExpiration: properties.deadLetteringOnMessageExpiration,
      DefaultMessageTimeToLive: longestTimeToLive,
      DuplicateDetectionHistoryTimeWindow: longestWindow,
      ForwardDeadLetteredMessagesTo: '',
      ForwardTo: '',
      LockDuration: properties.lockDuration,
      MaxDeliveryCount: properties.maxDeliveryCount,
      RequiresDuplicateDetection: properties.requiresDuplicateDetection,
      RequiresSession: properties.requiresSession,
    },
  }));
  const namespace = { Name: 'sbemulatorns', Queues: queues, Topics: [] };
  return { UserConfig: { Namespaces: [namespace], Logging: { Type: 'Console' } } };
}
