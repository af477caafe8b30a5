param location string
param tags object
param virtualNetworkId string
param subnetId string
param storageAccountId string
param serviceBusId string
param faceId string
param functionAppId string

// What answers inside the network, the part of it, and the zone in which its name is found there.
var endpoints = [
  { target: storageAccountId, part: 'blob', zone: 'privatelink.blob.${environment().suffixes.storage}' }
  { target: storageAccountId, part: 'queue', zone: 'privatelink.queue.${environment().suffixes.storage}' }
  { target: storageAccountId, part: 'table', zone: 'privatelink.table.${environment().suffixes.storage}' }
  { target: serviceBusId, part: 'namespace', zone: 'privatelink.servicebus.windows.net' }
  { target: faceId, part: 'account', zone: 'privatelink.cognitiveservices.azure.com' }
  { target: functionAppId, part: 'sites', zone: 'privatelink.azurewebsites.net' }
]

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for endpoint in endpoints: {
    name: endpoint.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (endpoint, index) in endpoints: {
    parent: zones[index]
    name: endpoint.part
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: virtualNetworkId }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for endpoint in endpoints: {
    name: 'pe-${last(split(endpoint.target, '/'))}-${endpoint.part}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: endpoint.part
          properties: {
            privateLinkServiceId: endpoint.target
            groupIds: [endpoint.part]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: endpoint.part, properties: { privateDnsZoneId: zones[index].id } }]
    }
  }
]
