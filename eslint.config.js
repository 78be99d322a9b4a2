import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', '**/build/', 'node_modules/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // An identifier, a count or a port in a sentence says what it is without String() around it.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Arrows that hand on what a void call returns read better in one line.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      eqeqeq: 'error',
      // A file has one subject. Longer ones are allowed where they are one table, with a disable comment that says so.
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // The kernel has one door. Everything else goes through the interface in agent/datapath/types.ts.
    files: ['**/*.ts'],
    ignores: ['agent/datapath/**', 'agent/reuseport/**', 'agent/frontdoor/native.ts', 'agent/mesh/native.ts', 'native/**', 'test/native/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '(^|/)native/', message: 'Only agent/datapath, agent/reuseport, agent/frontdoor/native.ts and agent/mesh/native.ts import native/; use their types.ts.' },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**'],
    rules: {
      // describe() and it() of mocha return nothing that anybody awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      // A test that finds nothing where it expects something should fail on that line.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['**/*.js', '**/*.cjs', '**/*.mjs', 'bin/sidestep'], ...tseslint.configs.disableTypeChecked },
  // Served as it is; its types are in comments, and `tsc -p agent/web/page` checks them.
  { files: ['agent/web/page/*.js'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' } },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
    // Mocha loads reporters with require().
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
