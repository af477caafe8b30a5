// Deployed by itself after the code: the key of the blob webhook is made when the app first starts, and Event Grid
// asks the functions whether they want its events before a subscription is accepted.
param functionAppName string
param storageAccountName string
param eventTopicName string

var needed = loadJsonContent('resources.json')

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
}

resource host 'Microsoft.Web/sites/host@2024-04-01' existing = {
  parent: app
  name: 'default'
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: eventTopicName
}

var webhook = 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs'
var retryPolicy = { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
var deadLetters = {
  identity: { type: 'SystemAssigned' }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: { resourceId: storage.id, blobContainerName: 'event-dead-letters' }
  }
}

resource created 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for subscription in needed.created: {
    parent: topic
    name: '${subscription.container}-created'
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      destination: {
        endpointType: 'WebHook'
        properties: {
          endpointUrl: '${webhook}?functionName=Host.Functions.${subscription.function}&code=${host.listKeys().systemKeys.blobs_extension}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Storage.BlobCreated']
        subjectBeginsWith: '/blobServices/default/containers/${subscription.container}/'
        advancedFilters: [
          // One event a blob: others tell of a blob that is not yet complete.
          {
            operatorType: 'StringIn'
            key: 'data.api'
            values: ['PutBlob', 'PutBlockList', 'CopyBlob', 'FlushWithClose']
          }
          // The trigger loads the whole blob; the sweep refuses what is larger.
          { operatorType: 'NumberLessThanOrEquals', key: 'data.contentLength', value: needed.largestPictureBytes }
        ]
      }
      retryPolicy: retryPolicy
      deadLetterWithResourceIdentity: deadLetters
    }
  }
]

resource deleted 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for subscription in needed.deleted: {
    parent: topic
    name: '${subscription.container}-deleted'
    // One after the other: a topic takes one change at a time.
    dependsOn: [created]
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${app.id}/functions/${subscription.function}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Storage.BlobDeleted']
        subjectBeginsWith: '/blobServices/default/containers/${subscription.container}/'
      }
      retryPolicy: retryPolicy
      deadLetterWithResourceIdentity: deadLetters
    }
  }
]
