using '../../../../infra/main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param zoneRedundant = true
param authClientId = '00000000-0000-0000-0000-000000000005'
param corsOrigins = 'https://one.example,https://two.example'
