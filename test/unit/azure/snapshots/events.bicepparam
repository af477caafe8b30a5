using '../../../../infra/events.bicep'

param functionAppName = 'func-demo'
param storageAccountName = 'stdemo'
param eventTopicName = 'evgt-demo'
