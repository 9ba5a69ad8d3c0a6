// Adds the caller's token to each delivery. Runs at Hookdeck: ES6 in a V8 isolate, without promises, network or Node's modules; what
// `env` of the transformation holds is in process.env. A header of that name that the sender wrote is dropped, in any case of its
// letters: the ingress refuses a token that is there twice.
addHandler("transform", (request, context) => {
  const token = process.env.SALLYPORT_TOKEN;
  // An error here is an issue at Hookdeck. Passing on without a token would be a 401 for each event, and nobody would know why.
  if (!token) throw new Error("SALLYPORT_TOKEN is not set in this transformation");
  const headers = {};
  for (const name of Object.keys(request.headers || {})) {
    if (name.toLowerCase() !== "x-sallyport-token") headers[name] = request.headers[name];
  }
  headers["x-sallyport-token"] = token;
  request.headers = headers;
  return request;
});
