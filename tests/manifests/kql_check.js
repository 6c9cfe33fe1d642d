// Reads Kusto text with the vendor's own parser (npm @kusto/language-service-next) and prints every error.
// Usage: node kql_check.js FILE... ; the tables are declared here with the columns that our texts read.
const fs = require('fs');
const { createRequire } = require('module');
const found = createRequire((process.env.KUSTO_MODULES || process.cwd()) + '/');
found('@kusto/language-service-next/bridge.min');
found('@kusto/language-service-next/Kusto.Language.Bridge.min');
const tables = {
  DeviceNetworkEvents: 'Timestamp:datetime, ActionType:string, DeviceName:string, LocalIP:string, RemoteIP:string, ' +
    'RemotePort:int, Protocol:string, InitiatingProcessFileName:string, AdditionalFields:string',
  CommonSecurityLog: 'TimeGenerated:datetime, DeviceEventClassID:string, SourceIP:string, DestinationIP:string, ' +
    'DestinationPort:int, SourceHostName:string, Protocol:string, SourceProcessName:string, ' +
    'ApplicationProtocol:string, EventCount:int, SentBytes:long, ReceivedBytes:long, DeviceAction:string',
  DnsEvents: 'TimeGenerated:datetime, SubType:string, Computer:string, ClientIP:string, Name:string, ResultCode:int',
};
const declared = Object.entries(tables).map(([name, columns]) => `let ${name} = datatable(${columns}) [];\n`).join('');
let wrong = 0;
for (const file of process.argv.slice(2)) {
  const code = global.Kusto.Language.KustoCode.ParseAndAnalyze(declared + fs.readFileSync(file, 'utf8'));
  const diagnostics = code.GetDiagnostics();
  for (let n = 0; n < diagnostics.Count; n += 1) {
    const one = diagnostics.getItem(n);
    console.log(`${file}: ${one.Severity}: ${one.Message}`);
    wrong += one.Severity === 'Error' ? 1 : 0;
  }
}
process.exit(wrong ? 1 : 0);
