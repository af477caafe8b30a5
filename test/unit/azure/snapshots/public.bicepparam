using '../../../../infra/main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
