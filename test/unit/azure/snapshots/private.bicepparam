using '../../../../infra/main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param privateNetwork = true
param principalId = '00000000-0000-0000-0000-000000000004'
