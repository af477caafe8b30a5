import { containers, functionNames, largestImageBytes, queues, tables } from '../shared/config/resources.ts';

/** What the Bicep files create for the pipeline, in the words of Azure Resource Manager. */
export function azureResources() {
  return {
    containers: Object.values(containers),
    tables: Object.values(tables),
    queues: Object.values(queues).map((queue) => ({ name: queue.name, properties: propertiesOf(queue) })),
    created: [
      { container: containers.enroll, function: functionNames.detectFaces },
      { container: containers.identify, function: functionNames.identifyDropped },
    ],
    deleted: [
      { container: containers.enroll, function: functionNames.removePicture },
      { container: containers.identify, function: functionNames.removePicture },
    ],
    largestImageBytes,
  };
}

/** All but the name are fixed when the queue is made, or change what is waiting in it: none is left to a default. */
function propertiesOf(queue: (typeof queues)[keyof typeof queues]) {
  return {
    requiresSession: queue.requiresSession,
    lockDuration: `PT${queue.lockDurationSeconds}S`,
    maxDeliveryCount: queue.maxDeliveryCount,
    defaultMessageTimeToLive: `PT${queue.defaultTimeToLiveSeconds}S`,
    deadLetteringOnMessageExpiration: queue.deadLetteringOnExpiration,
    enablePartitioning: false,
    requiresDuplicateDetection: 'duplicateDetectionWindowSeconds' in queue,
    ...('duplicateDetectionWindowSeconds' in queue
      ? { duplicateDetectionHistoryTimeWindow: `PT${queue.duplicateDetectionWindowSeconds}S` }
      : {}),
  };
}
