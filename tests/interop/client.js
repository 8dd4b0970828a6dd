// Calls all seven operations of a CloudIVR service with npm's SOAP client, in both versions of
// SOAP, and prints what came back as JSON.
//
//   node client.js WSDL-URL REQUESTS
//
// REQUESTS is JSON: a list of [operation, fields]. What comes back is, for each version, a list
// of [operation, result], or [operation, {fault}] where a fault was answered.

const soap = require('soap');

const PORTS = { 1.1: 'CloudIVRSoap', 1.2: 'CloudIVRSoap12' };

async function answers(url, version, requests) {
  const client = await soap.createClientAsync(url, { forceSoap12Headers: version === '1.2' });
  const port = client.CloudIVR[PORTS[version]];
  const answered = [];
  for (const [operation, fields] of requests) {
    answered.push([operation, await answer(port, operation, fields)]);
  }
  return answered;
}

function answer(port, operation, fields) {
  return new Promise((resolve, reject) => {
    port[operation](fields, (error, result) => {
      if (!error) resolve(result[`${operation}Result`]);
      else if (error.root) resolve({ fault: error.root.Envelope.Body.Fault });
      else reject(error);
    });
  });
}

async function main() {
  const [url, requests] = process.argv.slice(2);
  const told = {};
  for (const version of Object.keys(PORTS)) {
    told[version] = await answers(url, version, JSON.parse(requests));
  }
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
