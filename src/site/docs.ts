// Puts the address of this service into the commands of /docs, and adds a button that copies each command.
for (const command of document.querySelectorAll('.command')) {
  const code = command.querySelector('code');
  if (code === null) continue;
  code.textContent = code.textContent.replace(/(http|ws):\/\/localhost:8787/, (_, scheme: string) =>
    location.origin.replace('http', scheme),
  );
  // Only secure pages have a clipboard.
  if ('clipboard' in navigator) command.append(copyButton(code.textContent));
}

function copyButton(text: string): HTMLButtonElement {
  const button = document.createElement('button');
  const label = (word: string) => {
    button.textContent = word;
    button.setAttribute('aria-label', `${word}: ${text}`);
  };
  button.type = 'button';
  button.setAttribute('aria-live', 'polite');
  label('Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text).then(
      () => label('Copied'),
      () => label('Not copied'),
    );
    setTimeout(label, 2_000, 'Copy');
  });
  return button;
}
