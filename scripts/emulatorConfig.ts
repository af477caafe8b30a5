import { azureResources } from './azureResources.ts';

/** Limits of the emulator for the life of a message and for the window of duplicate detection. */
const longestTimeToLive = 'PT1H';
const longestWindow = 'PT5M';

/** Returns `Config.json` of the official Service Bus emulator, with the queues of the pipeline. */
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
