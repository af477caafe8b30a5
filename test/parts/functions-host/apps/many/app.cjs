const { app } = require('@azure/functions');

app.serviceBusQueue('batches', {
  queueName: 'plain',
  connection: 'BUS',
  cardinality: 'many',
  handler: () => undefined,
});
