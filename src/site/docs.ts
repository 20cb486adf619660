/** Lets every command of /docs be copied, with the address of this very service in it. */
for (const block of document.querySelectorAll<HTMLElement>('.command')) {
  const code = block.querySelector('code');
  if (code === null) continue;
  code.textContent = code.textContent.replace('http://localhost:8787', location.origin);
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2_000);
  });
  block.append(button);
}
