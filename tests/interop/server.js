// Serves CloudIVR.wsdl with npm's SOAP server, with believable answers to all seven operations.
//
//   node server.js WSDL-FILE [--port PORT] [--partner-key KEY]
//
// Prints the port once it listens, and ends when its standard input is closed. One customer is
// known, with three bills: on paper, paperless, and pending. It answers in the version of SOAP
// that it is asked in. Unlike the reference service it validates nothing.

const fs = require('node:fs');
const http = require('node:http');
const { parseArgs } = require('node:util');
const soap = require('soap');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    'partner-key': { type: 'string', default: 'demo-key-that-everybody-knows' },
  },
});

const PAYMENT = '11111111-2222-4333-8444-555555555555';
const ACCOUNT = '20481137';
const PHONE = '2175550101';
const bills = {
  WATER: { number: '8113701', balance: '48.20', due: '2026-12-15T00:00:00', status: 'paper' },
  SEWER: { number: '8113702', balance: '31.75', due: '2026-12-15T00:00:00', status: 'active' },
  TRASH: { number: '8113703', balance: '9.50', due: '2026-12-20T00:00:00', status: 'pending' },
};

const digits = (number) => String(number ?? '').replace(/\D/g, '').slice(-10);
const said = (code, message) => ({ Success: code === 0, Message: message, ErrorCode: code });
const done = said(0, 'Done.');

function customer() {
  return {
    CustomerID: 781137,
    AccountNumber: ACCOUNT,
    CustomerName: 'Jane Rivera',
    EmailAddress: 'jane.rivera@example.com',
    Phone: `+1${PHONE}`,
    Invoices: {
      Invoice: Object.entries(bills).map(([type, bill]) => ({
        InvoiceNumber: bill.number,
        InvoiceType: type,
        BalanceDue: bill.balance,
        InvoiceDueDate: bill.due,
        Paperless: bill.status === 'active',
        PaperlessPending: bill.status === 'pending',
      })),
    },
  };
}

const found = (there) => ({ ...done, Customers: { Customer: there ? [customer()] : [] } });

function billed(fields) {
  if (Number(fields.CustomerID) !== 781137) return said(201, 'No such customer.');
  return bills[fields.InvoiceType] ? undefined : said(202, 'No such bill.');
}

const operations = {
  InvoiceExists: (fields) => ({
    ...done,
    Exists:
      fields.AccountNumber === ACCOUNT &&
      Object.values(bills).some((bill) => bill.number === fields.InvoiceNumber),
  }),
  SearchByAccountNumber: (fields) => found(fields.AccountNumber === ACCOUNT),
  SearchByCustomerPhoneNumber: (fields) => found(digits(fields.PhoneNumber) === PHONE),
  SendWebLink: (fields) => {
    if (digits(fields.PhoneNumber).length < 10) return said(301, 'No text reaches this number.');
    return billed(fields) ?? done;
  },
  StoreCustomerPaymentMethodV2: (fields) =>
    fields.PaymentGUID === PAYMENT ? done : said(200, 'No such payment.'),
  StoreCustomerPreference: (fields) => {
    const refusal = billed(fields);
    if (refusal) return refusal;
    const bill = bills[fields.InvoiceType];
    const paperless = String(fields.Paperless) === 'true';
    if (paperless && bill.status === 'active') return said(400, 'Already paperless.');
    bill.status = paperless ? 'pending' : 'paper';
    return done;
  },
  EnrollInPaperless: (fields) => {
    const enrolled = (code, message) => ({
      EnrollmentSuccessful: code === 0,
      Message: message,
      ErrorCode: code,
    });
    if (fields.PaymentGUID !== PAYMENT) return enrolled(200, 'No such payment.');
    if (bills.WATER.status === 'active') return enrolled(400, 'Already paperless.');
    if (bills.WATER.status === 'pending') return enrolled(401, 'Pending.');
    bills.WATER.status = 'pending';
    return enrolled(0, 'Done.');
  },
};

const refused = {
  EnrollInPaperless: { EnrollmentSuccessful: false, Message: 'Partner refused.', ErrorCode: 100 },
  InvoiceExists: { ...said(100, 'Partner refused.'), Exists: false },
};

let server;

function answering(operation) {
  return (fields, _callback, _headers, request) => {
    const type = request.headers['content-type'] ?? '';
    server.wsdl.options.forceSoap12Headers = type.startsWith('application/soap+xml');
    const asked = fields?.Request ?? fields;
    const admitted = asked?.PartnerKey === values['partner-key'];
    const result = admitted
      ? operations[operation](asked)
      : (refused[operation] ?? said(100, 'Partner refused.'));
    return { [`${operation}Result`]: result };
  };
}

const port = Object.fromEntries(Object.keys(operations).map((name) => [name, answering(name)]));
const listener = http.createServer((_request, response) => response.writeHead(404).end());

listener.listen(Number(values.port), '127.0.0.1', () => {
  const actual = listener.address().port;
  const wsdl = fs
    .readFileSync(positionals[0], 'utf8')
    .replaceAll('http://127.0.0.1:8090', `http://127.0.0.1:${actual}`);
  server = soap.listen(listener, {
    path: '/CloudIVR.asmx',
    services: { CloudIVR: { CloudIVRSoap: port, CloudIVRSoap12: port } },
    xml: wsdl,
    callback: () => console.log(actual),
  });
});

process.stdin.resume();
process.stdin.on('end', () => {
  listener.closeAllConnections();
  listener.close();
});
